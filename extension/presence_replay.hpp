// Replay of the topic presence, where each event is the caller's to see or not.
#pragma once

#include "postgres.hpp"

namespace pg_live {

struct ReplayStart {
  NullableDatum after_position; // text
  NullableDatum since;          // timestamptz
};

// Adds the events after a start that the current user may see to a set-returning function's result, at most so many.
void replay_presence(ReturnSetInfo *result, ReplayStart start, int32 max_events);

// The position behind which the current user may see just so many events since a time; null if there are fewer.
NullableDatum presence_replay_start(NullableDatum since, int32 max_events);

} // namespace pg_live
