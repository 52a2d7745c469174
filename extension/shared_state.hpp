// Shared memory: one entry for each database of pg_live.databases, in the order of the list.
//
// With its entry, every backend can wake the workers of its database. All fields are single words that are read and
// written without a lock. A stale latch pointer merely wakes another process, since latches stay mapped.
#pragma once

#include "postgres.hpp"

namespace pg_live {

inline constexpr int64 no_deadline = PG_INT64_MAX;

// One background worker.
struct WorkerSlot {
  Latch *volatile latch;          // null while it does not run
  volatile pid_t pid;             // 0 while it does not run
  pg_atomic_uint32 failed_starts; // starts since its last successful pass
};

struct DatabaseState {
  char name[NAMEDATALEN];
  WorkerSlot worker;             // announces presence, publishes and notifies
  WorkerSlot refresher;          // refreshes summaries
  volatile bool worker_expected; // a worker has run since the server started, so one will run again
  // When the worker looks at deadlines next, by the clock of presence, and whether a transaction has stored an earlier
  // one, so that the worker must look again.
  pg_atomic_uint64 next_deadline;
  pg_atomic_uint32 earlier_deadline;
  pg_atomic_uint32 summaries_changed; // since the refresher last looked
  // The newest batch that a worker has published since the server started; 0 if none. Sessions that wait for the next
  // one sleep on batch_stored.
  pg_atomic_uint64 newest_batch;
  pg_atomic_uint32 followers;       // sessions that have called await_batch() and still exist
  pg_atomic_uint32 caught_up;       // about how many of them know the newest batch: each counts itself once a batch
  volatile bool has_deferred_parts; // the next part of deferred transactions waits for the followers
  ConditionVariable batch_stored;
  pg_atomic_uint64 unflushed_from; // the first batch that is visible but may not be on disk; 0 for none
  ConditionVariable batches_flushed;
};

// Requests shared memory if the server preloads the library; does nothing otherwise.
void request_shared_state();

// How many databases are listed; 0 without preload.
int listed_databases();

// The entry of a listed database; `index` below listed_databases().
DatabaseState *database_state(int index);

// The entry of the database with that name; null if it is not listed or the name is null.
DatabaseState *find_database_state(const char *name);

// The entry of this session's database, null if it is not listed or the library was not preloaded. The first call must
// be made in a transaction; later ones need none.
DatabaseState *own_database_state();

// Whether that worker runs and is not in the pause of one that keeps failing.
bool is_at_work(WorkerSlot &worker);

// Wakes the worker if it runs. Safe in every callback; never raises.
void ring(const WorkerSlot &worker);

} // namespace pg_live
