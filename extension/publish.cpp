// Lets one publisher at a time store the next batch. The query itself is live.store_next_batch() in publish.sql.
#include "publish.hpp"

#include "boundary.hpp"
#include "query.hpp"

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
  const std::optional<int64> batch = store_next_batch(Flush::every_batch);
  if (!batch) PG_RETURN_NULL();
  PG_RETURN_INT64(*batch);
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

std::optional<int64> store_next_batch(Flush flush) {
  static constinit KeptPlan plan;
  // The lock comes first, in a statement of its own; the snapshot that reads and is stored is taken after it.
  if (!lock_extension(ShareUpdateExclusiveLock)) return std::nullopt;
  SPI_connect();
  const SPIPlanPtr query = plan.get("select live.store_next_batch($1)", {BOOLOID});
  Datum flush_every_batch = BoolGetDatum(flush == Flush::every_batch);
  if (SPI_execute_plan(query, &flush_every_batch, nullptr, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
    elog(ERROR, "cannot store the next batch");
  bool is_null = false;
  const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
  const int64 batch = is_null ? 0 : DatumGetInt64(value);
  SPI_finish();
  return is_null ? std::nullopt : std::optional(batch);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_publish);
extern PGDLLEXPORT Datum pg_live_publish(PG_FUNCTION_ARGS);

Datum pg_live_publish(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::publish_body>(fcinfo); }
}
