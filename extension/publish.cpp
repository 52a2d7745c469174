// Lets one publisher at a time store the next batch. The query itself is live.store_next_batch() in publish.sql.
#include "publish.hpp"

#include "boundary.hpp"
#include "query.hpp"
#include "settings.hpp"
#include "shared_state.hpp"

#include <array>

namespace pg_live {

namespace {

Datum publish_body(FunctionCallInfo fcinfo) {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("live.publish() cannot run on a standby"),
                    errhint("Connect to the primary.")));
  PreventCommandIfReadOnly("live.publish()");
  if (IsolationUsesXactSnapshot())
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("live.publish() cannot run in a REPEATABLE READ or SERIALIZABLE transaction"),
                    errhint("Call it in a READ COMMITTED transaction of its own.")));
  if (FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()))
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("live.publish() cannot run in a transaction that has written"),
                    errhint("Call it in a transaction of its own.")));
  // A worker paces the parts of what is held. Without one, each call stores a part and asks for the next call.
  DatabaseState *const state = own_database_state();
  const bool worker_runs = state != nullptr && is_at_work(state->worker);
  const Published published = store_next_batch(Flush::every_batch, worker_runs ? HeldParts::leave : HeldParts::release);
  if (published.holds && !worker_runs) Async_Notify("pg_live", "");
  if (!published.newest) PG_RETURN_NULL();
  PG_RETURN_INT64(*published.newest);
}

} // namespace

bool lock_extension(LOCKMODE mode) {
  for (;;) {
    const Oid extension = get_extension_oid("pg_live", true);
    if (!OidIsValid(extension)) return false;
    LockDatabaseObject(ExtensionRelationId, extension, 0, mode);
    if (get_extension_oid("pg_live", true) == extension) return true;
    UnlockDatabaseObject(ExtensionRelationId, extension, 0, mode);
  }
}

Published store_next_batch(Flush flush, HeldParts parts) {
  static constinit KeptPlan plan;
  // The lock comes first, in a statement of its own; the snapshot that reads and is stored is taken after it.
  if (!lock_extension(ShareUpdateExclusiveLock)) return {};
  SPI_connect();
  const SPIPlanPtr query =
      plan.get("select newest, holds from live.store_next_batch($1, $2, $3)", {INT4OID, BOOLOID, BOOLOID});
  std::array<Datum, 3> values{Int32GetDatum(settings().batch_events), BoolGetDatum(flush == Flush::every_batch),
                              BoolGetDatum(parts == HeldParts::release)};
  if (SPI_execute_plan(query, values.data(), nullptr, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
    elog(ERROR, "cannot store the next batch");
  bool is_null = false;
  Published published;
  const Datum newest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
  if (!is_null) published.newest = DatumGetInt64(newest);
  published.holds = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
  SPI_finish();
  return published;
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_publish);
extern PGDLLEXPORT Datum pg_live_publish(PG_FUNCTION_ARGS);

Datum pg_live_publish(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::publish_body>(fcinfo); }
}
