// Emitting: one row of live.event or live.signal in the caller's transaction, and the bell that rings when it commits.
#pragma once

#include "postgres.hpp"

#include <string_view>

namespace pg_live {

enum class Durability { durable, signal };

// Raises 22023 or 22P05 unless an event can have that topic.
void check_topic(std::string_view topic);

// How large a payload may be, and the setting that says so.
struct PayloadLimit {
  Size bytes;
  const char *setting;
};

// The limit of every event. The limit of what clients send, which is at most that one.
PayloadLimit payload_limit();
PayloadLimit send_limit();

// Stores the event and makes the transaction ring at its commit. Checks sizes and characters; does not check access.
// Raises 22004, 22023, 22P05 or 54000 on bad input. Returns the event's id.
int64 emit_event(std::string_view topic, std::string_view event, Jsonb *payload, Durability durability);

// Emits the event that the SQL arguments (topic, event, payload, durable) describe; 22004 for a null, 54000 for a
// payload above the limit.
int64 emit_arguments(FunctionCallInfo fcinfo, PayloadLimit limit);

// Registers the transaction callback. Called once, from _PG_init.
void watch_transactions();

} // namespace pg_live
