// What the listener asks the database.
#pragma once

namespace pg_live::listener_sql {

// The settings of the role, the database and the server that the statements below depend on: whatever they are there,
// these hold here. Those that this server does not have are left out. A statement that takes long is given up by the
// listener itself, which closes the connection, and the server notices that.
inline constexpr const char *kPinSettings = R"(
  set statement_timeout = 0;
  select pg_catalog.set_config(known.name, pinned.value, false)
  from (values
    ('lock_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('client_connection_check_interval', '1s'),
    ('default_transaction_isolation', 'read committed'),
    ('default_transaction_read_only', 'off'),
    ('default_transaction_deferrable', 'off'),
    ('synchronous_commit', coalesce(nullif(pg_catalog.current_setting('synchronous_commit'), 'off'), 'on')),
    ('client_encoding', 'UTF8'),
    ('search_path', 'pg_catalog, pg_temp'),
    ('row_security', 'on'),
    ('jit', 'off'),
    ('datestyle', 'ISO, MDY'),
    ('intervalstyle', 'postgres'),
    ('bytea_output', 'hex'),
    ('extra_float_digits', '1'),
    ('quote_all_identifiers', 'off')
  ) as pinned (name, value)
  join pg_catalog.pg_settings as known on pg_catalog.lower(known.name) = pinned.name)";

inline constexpr const char *kState =
    "select worker_expected, newest_batch, is_known from live_private.stream_state($1)";
inline constexpr const char *kFetch =
    "select batch, id, topic, event, payload::text, durable from live.fetch_events($1, $2, $3)";
// Renders no payload.
inline constexpr const char *kFindNext = "select batch, id, topic, event from live.fetch_events($1, $2, $3)";
inline constexpr const char *kPublish = "select live.publish()";
inline constexpr const char *kDropExpired = "select live.drop_expired_events()";
inline constexpr const char *kRefresh = "select live.refresh_summaries()";
inline constexpr const char *kExpirePresence = "select live.expire_presence()";
// Takes no snapshot, and no transaction id.
inline constexpr const char *kHeartbeat = "";
// A heartbeat that waits for the next batch.
inline constexpr const char *kAwait = "call live_private.await_batch($1, 1000)";

} // namespace pg_live::listener_sql
