// Defines the settings pg_live.* and stores their values.
#include "settings.hpp"

#include "payload.hpp"
#include "postgres.hpp"

#include <climits>

namespace pg_live {

namespace {

constinit Settings current{};

constexpr int seconds_per_hour = 3600;

// In kilobytes. Always enough for an announcement of a user, with 255 characters of id and as many of status: one that
// failed would stop the announcements of all users.
constexpr int smallest_payload_setting = 4;

// In kilobytes. As JSON, in which a byte of the document may take six, it still fits one value of PostgreSQL.
constexpr int largest_document_setting = 128 * 1024;

} // namespace

const Settings &settings() { return current; }

void define_settings() {
  // The list sets the size of shared memory and the number of workers, so it is fixed at server start. In a session
  // that loads the library by itself the list has no effect, and defining a PGC_POSTMASTER setting would be FATAL.
  const GucContext fixed_at_start = process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP;
  DefineCustomStringVariable(
      "pg_live.databases", "Databases in which a worker publishes events.",
      "Comma-separated names. In other databases each emitting transaction notifies the bridges.", &current.databases,
      "postgres", fixed_at_start, GUC_LIST_INPUT, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.event_retention", "How long durable events are kept for replay.",
                          "Events are deleted in bulk, so some stay up to twice as long.", &current.event_retention,
                          72 * seconds_per_hour, 1, 365 * 24 * seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S, nullptr,
                          nullptr, nullptr);
  DefineCustomIntVariable("pg_live.signal_retention", "How long signals wait for a bridge that lags.", nullptr,
                          &current.signal_retention, 60, 1, 24 * seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S, nullptr,
                          nullptr, nullptr);
  DefineCustomIntVariable("pg_live.activity_retention", "How long activities are kept.",
                          "Older ones are deleted with their notifications, without an event. 0: for ever.",
                          &current.activity_retention, 0, 0, 50 * 365 * 24 * seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.history_retention", "How long the operations of sessions are kept.",
                          "Older ones are deleted once a snapshot stands for them. 0: for ever.",
                          &current.history_retention, 0, 0, 50 * 365 * 24 * seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.checkpoint_operations", "Operations of a session between two snapshots of it.",
                          "A document at a version is computed from the snapshot before it.", &current.checkpoint_step,
                          10'000, 1, 1'000'000'000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.gather_delay", "Minimum time between two batches, to gather events when busy.",
                          "The first event after a pause is never delayed.", &current.gather_delay, 1, 0, 1000,
                          PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.refresh_interval", "Minimum time between two refreshes of the summaries.",
                          "Nothing is refreshed while nothing changes.", &current.refresh_interval, 10'000, 100,
                          24 * seconds_per_hour * 1000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.idle_after", "How long a connection stays active without use.",
                          "A user all of whose connections are idle is shown as away.", &current.idle_after, 300, 1,
                          24 * seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.grace_period", "How long a broken connection still counts.",
                          "A client that reconnects within this time stays online.", &current.grace_period, 10, 0,
                          seconds_per_hour, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.clock_offset", "Shifts the clock of presence, for tests.", nullptr,
                          &current.clock_offset, 0, -INT_MAX, INT_MAX, PGC_SUSET, GUC_UNIT_S | GUC_NOT_IN_SAMPLE,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.batch_events", "Maximum number of events in a batch.",
                          "A transaction with more events is published in parts, with other events in between.",
                          &current.batch_events, 1000, 1, 100'000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_metadata_size", "Largest metadata of one row.", nullptr,
                          &current.max_metadata_size, 16, 1, 1024, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_payload_size", "Largest payload of one event.", nullptr,
                          &current.max_payload_size, 8 * 1024, smallest_payload_setting, largest_payload_setting,
                          PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_send_size", "Largest payload that a client can send.",
                          "Applies to live.send(); pg_live.max_payload_size applies to it too.", &current.max_send_size,
                          256, 1, largest_payload_setting, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_document_size",
                          "Largest document of a text or json session, and largest snapshot of another one.", nullptr,
                          &current.max_document_size, 10 * 1024, 1, largest_document_setting, PGC_SUSET, GUC_UNIT_KB,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_audience_size", "Largest total size of the events for one audience.",
                          "Each user of an audience gets two events with the activity.", &current.max_audience_size,
                          8 * 1024, 1, largest_payload_setting, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_follows", "Maximum number of users that one user can follow.", nullptr,
                          &current.max_follows, 10'000, 1, 10'000'000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_sessions", "Maximum number of active sessions that one user created.", nullptr,
                          &current.max_sessions, 1000, 1, 10'000'000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_live.max_participants", "Maximum number of participants of one session.", nullptr,
                          &current.max_participants, 1000, 1, 1'000'000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  MarkGUCPrefixReserved("pg_live");
}

} // namespace pg_live
