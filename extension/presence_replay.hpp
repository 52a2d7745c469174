// Replay of the topic presence, where visibility is decided event by event.
#pragma once

#include "postgres.hpp"

namespace pg_live {

struct ReplayStart {
  NullableDatum after_position; // text
  NullableDatum since;          // timestamptz
};

// Adds at most so many events after a start that the current user may see to the result of a set-returning function.
void replay_presence(ReturnSetInfo *result, ReplayStart start, int32 max_events);

// The position after which the current user may see exactly so many events since a time; null if there are fewer.
NullableDatum presence_replay_start(NullableDatum since, int32 max_events);

} // namespace pg_live
