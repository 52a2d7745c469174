// Reads the clock, and rings the worker at commit if the transaction stored a deadline earlier than its next look.
#include "deadline.hpp"

#include "boundary.hpp"
#include "settings.hpp"
#include "shared_state.hpp"

namespace pg_live {

namespace {

constinit TimestampTz earliest_in_transaction = no_deadline;

// Sets the mark before it rings: the worker clears the mark before it reads the deadlines.
void ring_for_earlier_deadline(DatabaseState *state) {
  if (state == nullptr || earliest_in_transaction == no_deadline) return;
  pg_memory_barrier(); // the commit is visible before the worker's next look is read
  if (earliest_in_transaction >= static_cast<TimestampTz>(pg_atomic_read_u64(&state->next_deadline))) return;
  pg_atomic_write_u32(&state->earlier_deadline, 1);
  ring(state->worker);
}

void ring_for_deadline_at_transaction_end(XactEvent event, void *) {
  switch (event) {
  case XACT_EVENT_COMMIT:
    ring_for_earlier_deadline(own_database_state());
    earliest_in_transaction = no_deadline;
    break;
  case XACT_EVENT_PREPARE: // after its COMMIT PREPARED, the worker reads all deadlines
  case XACT_EVENT_ABORT:
    earliest_in_transaction = no_deadline;
    break;
  default:
    break;
  }
}

Interval *interval_of_seconds(int seconds) {
  auto *const interval = static_cast<Interval *>(palloc0(sizeof(Interval)));
  interval->time = seconds * USECS_PER_SEC;
  return interval;
}

Datum wake_worker_body(FunctionCallInfo fcinfo) {
  if (!PG_ARGISNULL(0)) note_deadline(PG_GETARG_TIMESTAMPTZ(0));
  PG_RETURN_VOID();
}

Datum clock_body([[maybe_unused]] FunctionCallInfo fcinfo) { PG_RETURN_TIMESTAMPTZ(presence_clock()); }

Datum idle_after_body([[maybe_unused]] FunctionCallInfo fcinfo) {
  PG_RETURN_INTERVAL_P(interval_of_seconds(settings().idle_after));
}

Datum grace_period_body([[maybe_unused]] FunctionCallInfo fcinfo) {
  PG_RETURN_INTERVAL_P(interval_of_seconds(settings().grace_period));
}

} // namespace

TimestampTz presence_clock() { return GetCurrentTimestamp() + settings().clock_offset * USECS_PER_SEC; }

void note_deadline(TimestampTz deadline) {
  own_database_state(); // looks the state up while the transaction can still read catalogs
  earliest_in_transaction = Min(earliest_in_transaction, deadline);
}

void watch_deadlines() {
  RegisterXactCallback(
      [](XactEvent event, void *argument) { guard([=] { ring_for_deadline_at_transaction_end(event, argument); }); },
      nullptr);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_clock);
PG_FUNCTION_INFO_V1(pg_live_idle_after);
PG_FUNCTION_INFO_V1(pg_live_grace_period);
PG_FUNCTION_INFO_V1(pg_live_wake_worker);
extern PGDLLEXPORT Datum pg_live_clock(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_idle_after(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_grace_period(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_wake_worker(PG_FUNCTION_ARGS);

Datum pg_live_clock(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::clock_body>(fcinfo); }
Datum pg_live_idle_after(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::idle_after_body>(fcinfo); }
Datum pg_live_grace_period(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::grace_period_body>(fcinfo); }
Datum pg_live_wake_worker(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::wake_worker_body>(fcinfo); }
}
