// Batches whose commit did not wait for the disk: the worker makes them known at once and flushes them while bridges
// fetch, and what was fetched is handed out when they are flushed.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Whether that may be done: a synchronous standby is waited for at the commit.
bool can_flush_later();

// To be called before the commit that shows the batches from `first` on, and after it. The flush is made up for if the
// process ends between the two.
void announce_flush(DatabaseState &state, int64 first);
void flush_batches(DatabaseState &state);

// Returns once the batches up to `batch`, which the caller's snapshot shows, are on disk. Nothing that tells a client
// of a batch may return before.
void await_flush(int64 batch);
inline constexpr int64 newest_of_all = PG_INT64_MAX;

} // namespace pg_live
