// Compares what a transaction's snapshot shows with the current state.
#include "boundary.hpp"
#include "query.hpp"

#include <string_view>

namespace pg_live {

namespace {

// The text that the plan returns under a snapshot, in the memory of the caller.
std::string_view text_by(Snapshot snapshot, SPIPlanPtr plan, Datum argument) {
  if (SPI_execute_snapshot(plan, &argument, nullptr, snapshot, InvalidSnapshot, false, false, 1) != SPI_OK_SELECT ||
      SPI_processed != 1)
    elog(ERROR, "cannot read the state to be compared");
  const char *const value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

// In a READ COMMITTED transaction, each statement sees the current state. At other levels a later change is not
// visible, so the transaction could announce, or decide by, what is no longer true.
Datum require_current(KeptPlan &plan, const char *query, Datum argument) {
  if (!IsolationUsesXactSnapshot()) PG_RETURN_VOID();
  SPI_connect();
  const SPIPlanPtr prepared = plan.get(query, {TEXTARRAYOID});
  CommandCounterIncrement();
  const bool same =
      text_by(GetTransactionSnapshot(), prepared, argument) == text_by(GetLatestSnapshot(), prepared, argument);
  SPI_finish();
  if (!same)
    ereport(ERROR,
            (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("could not serialize access due to concurrent update"),
             errdetail("What the transaction sees is no longer true."),
             errhint("The transaction might succeed if retried.")));
  PG_RETURN_VOID();
}

Datum presence_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  return require_current(plan, "select live_private.presence_digest($1)", PG_GETARG_DATUM(0));
}

Datum unread_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  return require_current(plan, "select live_private.unread_digest($1)", PG_GETARG_DATUM(0));
}

Datum sessions_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  return require_current(plan, "select live_private.session_digest($1)", PG_GETARG_DATUM(0));
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_require_current_presence);
PG_FUNCTION_INFO_V1(pg_live_require_current_unread);
PG_FUNCTION_INFO_V1(pg_live_require_current_sessions);
extern PGDLLEXPORT Datum pg_live_require_current_presence(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_require_current_unread(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_require_current_sessions(PG_FUNCTION_ARGS);

Datum pg_live_require_current_presence(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::presence_body>(fcinfo); }
Datum pg_live_require_current_unread(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::unread_body>(fcinfo); }
Datum pg_live_require_current_sessions(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::sessions_body>(fcinfo); }
}
