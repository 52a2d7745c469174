// One word of shared memory: the first batch that is visible but may not be on disk, 0 for none. It is set before the
// commit, so a snapshot that shows the batch was taken after it was set. A crash clears it: what recovery shows is on
// disk.
#include "batch_flush.hpp"

extern "C" {
#include "replication/syncrep.h"
}

namespace pg_live {

namespace {

uint64 unflushed_from(DatabaseState &state) { return pg_atomic_read_u64(&state.unflushed_from); }

void flush_at_exit(int, Datum argument) {
  flush_batches(*reinterpret_cast<DatabaseState *>(DatumGetPointer(argument)));
}

} // namespace

bool can_flush_later() { return SyncRepStandbyNames == nullptr || SyncRepStandbyNames[0] == '\0'; }

void note_unflushed(DatabaseState &state, int64 first) {
  Assert(first > 0);
  static constinit bool is_prepared = false;
  if (!is_prepared) before_shmem_exit(flush_at_exit, PointerGetDatum(&state));
  is_prepared = true;
  pg_atomic_write_u64(&state.unflushed_from, static_cast<uint64>(first));
}

void flush_batches(DatabaseState &state) {
  if (unflushed_from(state) == 0) return;
  if (!XLogRecPtrIsInvalid(XactLastCommitEnd)) XLogFlush(XactLastCommitEnd);
  pg_atomic_write_u64(&state.unflushed_from, 0);
  ConditionVariableBroadcast(&state.batches_flushed);
}

void await_flush(int64 batch) {
  DatabaseState *const state = own_database_state();
  if (state == nullptr) return;
  const uint64 first = unflushed_from(*state);
  if (first == 0 || batch < static_cast<int64>(first)) return;
  ConditionVariablePrepareToSleep(&state->batches_flushed);
  while (unflushed_from(*state) == first)
    ConditionVariableSleep(&state->batches_flushed, PG_WAIT_EXTENSION);
  ConditionVariableCancelSleep();
}

} // namespace pg_live
