// Expires presence in bounded transactions.
#include "presence_expiry.hpp"

#include "deadline.hpp"
#include "publish.hpp"
#include "query.hpp"
#include "worker_transaction.hpp"

namespace pg_live {

namespace {

constexpr int64 locked_pause = 100 * INT64CONST(1000); // microseconds

struct PresencePart {
  bool more = false;
  TimestampTz next_deadline = no_deadline;
};

// Announces a bounded part of the changes that are due, in a transaction of its own, if the extension is installed.
void expire_part(PresencePart &part) {
  WorkerTransaction transaction("announcing presence");
  if (lock_extension(AccessShareLock)) {
    SPI_connect();
    if (SPI_execute(
            "select typing.more or p.more, live_private.next_presence_deadline() "
            "from live_private.expire_typing(500) as typing (more), live_private.expire_some_presence(1000) as p",
            false, 1) != SPI_OK_SELECT ||
        SPI_processed != 1)
      elog(ERROR, "cannot announce presence");
    bool is_null = false;
    part.more = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
    const Datum next = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null);
    part.next_deadline = is_null ? no_deadline : DatumGetTimestampTz(next);
    SPI_finish();
  }
  transaction.commit();
}

// Whether the clock was set back since the last call, by a second or more.
bool clock_went_back() {
  static constinit TimestampTz latest = 0;
  const TimestampTz now = presence_clock();
  const bool went_back = now + USECS_PER_SEC < latest;
  latest = now;
  return went_back;
}

// Returns whether deadlines are left to be moved, because their rows are locked.
bool follow_clock_back() {
  bool left = false;
  WorkerTransaction transaction("following the clock back");
  if (lock_extension(AccessShareLock)) {
    left = DatumGetBool(query_value("select live_private.follow_clock_back()", Effects::writes).value);
  }
  transaction.commit();
  return left;
}

} // namespace

bool presence_is_due(DatabaseState &state) {
  static constinit bool clock_was_ahead = true; // the worker before may have ended before it followed the clock
  if (clock_went_back()) clock_was_ahead = true;
  if (clock_was_ahead) {
    clock_was_ahead = follow_clock_back();
    return true;
  }
  return pg_atomic_read_u32(&state.earlier_deadline) != 0 ||
         presence_clock() >= static_cast<TimestampTz>(pg_atomic_read_u64(&state.next_deadline));
}

// Until the next look is stored, every transaction with a deadline rings, so none is missed.
void expire_presence(DatabaseState &state) {
  pg_atomic_write_u64(&state.next_deadline, no_deadline);
  pg_memory_barrier();
  pg_atomic_write_u32(&state.earlier_deadline, 0);
  PresencePart part;
  const TimestampTz began = presence_clock();
  expire_part(part);
  TimestampTz next = part.next_deadline;
  if (part.more) {
    next = began; // the rest follows at once, after the announced changes were published
  } else if (next <= began) {
    next = presence_clock() + locked_pause; // the rows that are due are locked
  }
  pg_atomic_write_u64(&state.next_deadline, next);
}

// A transaction with an earlier deadline still rings; the mark makes the worker look then.
void postpone_presence(DatabaseState &state, long milliseconds) {
  pg_atomic_write_u64(&state.next_deadline, TimestampTzPlusMilliseconds(presence_clock(), milliseconds));
  pg_memory_barrier();
  pg_atomic_write_u32(&state.earlier_deadline, 1);
}

} // namespace pg_live
