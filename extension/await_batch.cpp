// Waits in a bridge's backend for the next batch. The worker makes a committed batch known in shared memory, which is
// faster than NOTIFY and does not need the lock that all notifying transactions share.
//
// Invariants: a waiting session has no snapshot and no transaction id, so it holds back neither vacuum nor publishing;
// a wait ends after longest_wait_ms at the latest.
#include "await_batch.hpp"

#include "boundary.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr int longest_wait_ms = 10'000;

int64 newest_batch(DatabaseState &state) { return static_cast<int64>(pg_atomic_read_u64(&state.newest_batch)); }

void stop_following(int, Datum argument) {
  pg_atomic_fetch_sub_u32(&reinterpret_cast<DatabaseState *>(DatumGetPointer(argument))->followers, 1);
}

void follow(DatabaseState &state) {
  static constinit bool follows = false;
  if (std::exchange(follows, true)) return;
  pg_atomic_fetch_add_u32(&state.followers, 1);
  before_shmem_exit(stop_following, PointerGetDatum(&state));
}

// Counts a session once a batch, however often it waits for the same one.
void note_progress(DatabaseState &state, int64 known) {
  static constinit int64 noted = -1;
  const int64 newest = newest_batch(state);
  if (known < newest || noted == newest) return;
  noted = newest;
  pg_atomic_fetch_add_u32(&state.caught_up, 1);
  if (state.has_deferred_parts) ring(state.worker);
}

// Ends the transaction of the CALL and its snapshot. The transaction that follows takes no snapshot during the wait.
void release_snapshot(const FunctionCallInfo fcinfo) {
  const Node *const context = fcinfo->context;
  if (context == nullptr || !IsA(context, CallContext) || reinterpret_cast<const CallContext *>(context)->atomic)
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("live_private.await_batch() cannot run in a transaction block or a function"),
                    errhint("CALL it by itself.")));
  SPI_connect_ext(SPI_OPT_NONATOMIC);
  SPI_commit();
  SPI_finish();
}

void wait_for_newer_batch(DatabaseState &state, int64 known, int patience_ms) {
  Assert(!TransactionIdIsValid(MyProc->xmin) && !TransactionIdIsValid(MyProc->xid));
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patience_ms);
  ConditionVariablePrepareToSleep(&state.batch_stored);
  while (newest_batch(state) <= known && state.worker.pid != 0) {
    const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
    if (left <= 0) break;
    ConditionVariableTimedSleep(&state.batch_stored, Min(left, patience_ms), PG_WAIT_EXTENSION);
  }
  ConditionVariableCancelSleep();
}

Datum await_batch(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("known_batch and patience must not be null")));
  const int64 known = PG_GETARG_INT64(0);
  const int patience_ms = PG_GETARG_INT32(1);
  if (patience_ms < 0)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("patience must not be negative")));
  DatabaseState *const state = own_database_state();
  release_snapshot(fcinfo);
  if (state != nullptr) {
    follow(*state);
    note_progress(*state, known);
    wait_for_newer_batch(*state, known, Min(patience_ms, longest_wait_ms));
  }

  TupleDesc row = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) elog(ERROR, "return type must be a row type");
  const bool runs = state != nullptr && state->worker.pid != 0;
  Datum newest = Int64GetDatum(runs ? newest_batch(*state) : 0);
  bool is_null = !runs;
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), &newest, &is_null)));
}

} // namespace

void make_known(DatabaseState &state, int64 batch) {
  pg_atomic_write_u64(&state.newest_batch, static_cast<uint64>(batch));
  pg_atomic_write_u32(&state.caught_up, 0);
  ConditionVariableBroadcast(&state.batch_stored);
}

bool all_are_caught_up(DatabaseState &state) {
  return pg_atomic_read_u32(&state.caught_up) >= pg_atomic_read_u32(&state.followers);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_await_batch);
extern PGDLLEXPORT Datum pg_live_await_batch(PG_FUNCTION_ARGS);

Datum pg_live_await_batch(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::await_batch>(fcinfo); }
}
