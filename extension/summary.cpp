// Marks summaries as changed, and locks one for its refresh.
#include "summary.hpp"

#include "boundary.hpp"

extern "C" {
#include "commands/trigger.h"
}

namespace pg_live {

namespace {

constinit bool changed_in_transaction = false;

void mark_summaries_at_transaction_end(XactEvent event, void *) {
  switch (event) {
  case XACT_EVENT_COMMIT: // the state is known: the trigger has looked it up
    if (DatabaseState *const state = own_database_state(); changed_in_transaction && state != nullptr)
      mark_summaries_changed(*state);
    changed_in_transaction = false;
    break;
  case XACT_EVENT_PREPARE: // its COMMIT PREPARED marks
  case XACT_EVENT_ABORT:
    changed_in_transaction = false;
    break;
  default:
    break;
  }
}

Datum note_change_body(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("live_private.note_summary_change() can only be called as a trigger")));
  own_database_state(); // looks the state up while the transaction can still read catalogs
  changed_in_transaction = true;
  return PointerGetDatum(nullptr);
}

Datum lock_body(FunctionCallInfo fcinfo) {
  PreventCommandIfReadOnly("live.refresh_summaries()");
  if (IsolationUsesXactSnapshot())
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("live.refresh_summaries() cannot run in a REPEATABLE READ or SERIALIZABLE transaction"),
                    errhint("Call it in a READ COMMITTED transaction.")));
  LockRelationOid(PG_GETARG_OID(0), ExclusiveLock);
  PG_RETURN_VOID();
}

} // namespace

// The exchange is a full barrier: either the refresher finds the mark, or it has not yet taken its snapshot.
void mark_summaries_changed(DatabaseState &state) {
  if (pg_atomic_exchange_u32(&state.summaries_changed, 1) == 0) ring(state.refresher);
}

void watch_summaries() {
  RegisterXactCallback(
      [](XactEvent event, void *argument) { guard([=] { mark_summaries_at_transaction_end(event, argument); }); },
      nullptr);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_note_summary_change);
PG_FUNCTION_INFO_V1(pg_live_lock_summary);
extern PGDLLEXPORT Datum pg_live_note_summary_change(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_lock_summary(PG_FUNCTION_ARGS);

Datum pg_live_note_summary_change(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::note_change_body>(fcinfo); }
Datum pg_live_lock_summary(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::lock_body>(fcinfo); }
}
