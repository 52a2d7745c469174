// Emitting: inserts a row of live.event or live.signal in the caller's transaction, whose commit rings the bell.
#pragma once

#include "postgres.hpp"

#include <string_view>

namespace pg_live {

enum class Durability { durable, signal };

// Raises 22023 or 22P05 if an event cannot have that topic.
void check_topic(std::string_view topic);

// The largest payload, and the name of the setting that limits it.
struct PayloadLimit {
  Size bytes;
  const char *setting;
};

// The limit for every event, and the limit for events that clients send, which is never the larger one.
PayloadLimit payload_limit();
PayloadLimit send_limit();

// Stores the event and makes the transaction ring at its commit. Checks sizes and characters, but not access. Raises
// 22004, 22023, 22P05 or 54000 on bad input. Returns the event's id.
int64 emit_event(std::string_view topic, std::string_view event, Jsonb *payload, Durability durability);

// Emits the event in the SQL arguments (topic, event, payload, durable). Raises as emit_event(), and 22004 for a null.
int64 emit_arguments(FunctionCallInfo fcinfo, PayloadLimit limit);

// Registers the transaction callback. Called once, from _PG_init.
void watch_transactions();

} // namespace pg_live
