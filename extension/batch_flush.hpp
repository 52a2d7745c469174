// Batches whose commit did not wait for the disk. The worker makes them known at once and flushes WAL while bridges
// fetch; a fetch returns once they are flushed.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Whether a flush may follow the commit: not with a synchronous standby, for which the commit itself must wait.
bool can_flush_later();

// To be called before the commit that shows the batches from `first` on, and after it. If the process ends in between,
// flush_batches() runs at its exit.
void note_unflushed(DatabaseState &state, int64 first);
void flush_batches(DatabaseState &state);

// Returns once the batches up to `batch`, which the caller's snapshot shows, are on disk. Every function that lets a
// client learn of a batch waits here first.
void await_flush(int64 batch);
inline constexpr int64 newest_of_all = PG_INT64_MAX;

} // namespace pg_live
