// Stores the next batch, one publisher at a time. The rule that makes delivery complete: a batch has the transactions
// that ended between two snapshots, however late they commit. What exceeds one batch is deferred and cut in hold.sql.
#include "publish.hpp"

#include "batch_flush.hpp"
#include "boundary.hpp"
#include "ended_xids.hpp"
#include "event_slots.hpp"
#include "query.hpp"
#include "settings.hpp"
#include "shared_state.hpp"

#include <algorithm>
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
  // A worker paces deferred parts. Without one, each call stores one part and asks for the next call.
  DatabaseState *const state = own_database_state();
  const bool worker_runs = state != nullptr && is_at_work(state->worker);
  const Published published =
      store_next_batch(Flush::every_batch, worker_runs ? DeferredParts::leave : DeferredParts::release);
  if (published.has_deferred && !worker_runs) Async_Notify("pg_live", "");
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

namespace {

// The batch from which the next pass starts.
struct NewestBatch {
  int64 id; // 0: there is none
  Datum snapshot;
};

NewestBatch read_newest_batch() {
  IndexScan batches = IndexScan::open("batch", "batch_pkey", 0);
  batches.restart({});
  NewestBatch newest{0, Datum{0}};
  if (batches.next(BackwardScanDirection))
    newest = {DatumGetInt64(batches.column(batch_column::id)),
              PointerGetDatum(PG_DETOAST_DATUM_COPY(batches.column(batch_column::snapshot)))};
  batches.close();
  return newest;
}

bool has_deferred() {
  IndexScan open_series = IndexScan::open("held_series", "held_series_open_idx", 0);
  open_series.restart({});
  const bool is_held = open_series.next();
  open_series.close();
  return is_held;
}

// The events of the transactions that ended between two snapshots, up to one more than a batch may have.
struct EndedEvents {
  std::span<uint64> xids; // sorted, each once
  int events;             // the limit plus one if they exceed it
  bool are_durable;       // at least one of them is durable
};

EndedEvents read_ended_events(Datum earlier, Datum later, int most_events) {
  const std::span<XidRange> ranges = ended_xids(earlier, later);
  if (ranges.empty()) return {};
  EndedEvents ended{};
  const auto most = static_cast<size_t>(most_events) + 1;
  auto *const xids = static_cast<uint64 *>(palloc_extended(most * sizeof(uint64), MCXT_ALLOC_HUGE));
  size_t count = 0;
  SlotScans slots = SlotScans::open(2);
  for (const XidRange range : ranges) {
    for (size_t slot = 0; slot < all_slots.size() && count < most; ++slot) {
      std::array keys{scan_key(event_key::xid, BTGreaterEqualStrategyNumber, F_XID8GE, UInt64GetDatum(range.first)),
                      scan_key(event_key::xid, BTLessStrategyNumber, F_XID8LT, UInt64GetDatum(range.end))};
      IndexScan &scan = slots.scans[slot];
      scan.restart(keys);
      while (count < most && scan.next()) {
        xids[count++] = DatumGetUInt64(scan.column(event_column::xid));
        ended.are_durable = ended.are_durable || all_slots[slot].is_durable;
      }
    }
  }
  slots.close();
  ended.events = static_cast<int>(count);
  std::sort(xids, xids + count);
  ended.xids = {xids, static_cast<size_t>(std::unique(xids, xids + count) - xids)};
  return ended;
}

int64 next_batch_id(int64 previous) {
  const int64 clock = GetCurrentTimestamp() + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
  return Max(previous + 1, clock);
}

void insert_batch(int64 id, Datum snapshot, const EndedEvents &ended) {
  Assert(ended.events <= settings().batch_events);
  static constinit KeptPlan plan;
  const SPIPlanPtr insert =
      plan.get("insert into live_private.batch (id, snapshot, xids, events) values ($1, $2, $3, $4)",
               {INT8OID, PG_SNAPSHOTOID, XID8ARRAYOID, INT4OID});
  static_assert(sizeof(Datum) == sizeof(uint64), "xids are passed as they are");
  auto *const xids = reinterpret_cast<Datum *>(ended.xids.data());
  ArrayType *const array = construct_array(xids, static_cast<int>(ended.xids.size()), XID8OID, sizeof(uint64),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
  std::array<Datum, 4> values{Int64GetDatum(id), snapshot, PointerGetDatum(array), Int32GetDatum(ended.events)};
  if (SPI_execute_plan(insert, values.data(), nullptr, false, 0) != SPI_OK_INSERT) elog(ERROR, "cannot store a batch");
}

// Without batches, publishing starts from the beginning and includes the deferred events.
void discard_deferred() {
  for (const char *table : {"held_series", "held_transaction", "held_topic"}) {
    char statement[64];
    snprintf(statement, sizeof statement, "delete from live_private.%s", table);
    if (SPI_execute(statement, false, 0) != SPI_OK_DELETE) elog(ERROR, "cannot discard deferred transactions");
  }
}

void store_batches(const NewestBatch &previous, Datum later, int64 next, DeferredParts parts) {
  static constinit KeptPlan plan;
  const SPIPlanPtr query = plan.get("select live_private.store_batches($1, $2, $3, $4, $5)",
                                    {PG_SNAPSHOTOID, PG_SNAPSHOTOID, INT8OID, INT4OID, BOOLOID});
  std::array<Datum, 5> values{previous.snapshot, later, Int64GetDatum(next), Int32GetDatum(settings().batch_events),
                              BoolGetDatum(parts == DeferredParts::release)};
  if (SPI_execute_plan(query, values.data(), nullptr, false, 0) != SPI_OK_SELECT) elog(ERROR, "cannot store batches");
}

void set_synchronous_commit(const char *value) {
  set_config_option("synchronous_commit", value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

// One pass, in a snapshot that was taken under the lock. It reads only transactions that had ended between the two
// snapshots, so later statements of the pass read the same rows.
Published store_ended(Flush flush, DeferredParts parts) {
  NewestBatch previous = read_newest_batch();
  if (previous.id == 0) previous.snapshot = DirectFunctionCall1(pg_snapshot_in, CStringGetDatum("3:3:"));
  const Datum later = OidFunctionCall0(F_PG_CURRENT_SNAPSHOT);
  const int64 next = next_batch_id(previous.id);
  if (previous.id == 0) discard_deferred();

  Published published;
  published.has_deferred = has_deferred();
  const EndedEvents ended = read_ended_events(previous.snapshot, later, settings().batch_events);
  const bool stores_parts = published.has_deferred || ended.events > settings().batch_events;
  // A snapshot from the future comes from another cluster: start over, instead of never publishing again. Events
  // emitted since that cluster was copied and before this pass are in no batch.
  const bool is_from_future = snapshot_xmax(previous.snapshot) > snapshot_xmax(later);
  if (stores_parts) {
    store_batches(previous, later, next, parts);
  } else if (ended.events > 0 || is_from_future) {
    insert_batch(next, later, ended);
  }
  PopActiveSnapshot();
  PushActiveSnapshot(GetTransactionSnapshot()); // sees the batches just stored
  if (stores_parts) published.has_deferred = has_deferred();
  const int64 newest = stores_parts || ended.events > 0 || is_from_future ? read_newest_batch().id : previous.id;
  if (newest != 0) published.newest = newest;

  const bool must_last = stores_parts || ended.are_durable;
  if (newest > previous.id && must_last && flush == Flush::later) published.unflushed_from = next;
  if (flush != Flush::every_batch && !(must_last && flush == Flush::durable_batches)) {
    commit_without_flush();
  } else if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF) {
    set_synchronous_commit("on"); // overrides the setting of the database
  }
  return published;
}

} // namespace

void commit_without_flush() { set_synchronous_commit("off"); }

Published store_next_batch(Flush flush, DeferredParts parts) {
  Assert(!IsolationUsesXactSnapshot() && !FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()));
  // The lock comes first: a snapshot taken before it could miss the batch of another publisher.
  if (!lock_extension(ShareUpdateExclusiveLock)) return {};
  SPI_connect();
  PushActiveSnapshot(GetTransactionSnapshot());
  const Published published = store_ended(flush, parts);
  PopActiveSnapshot();
  SPI_finish();
  return published;
}

namespace {

Datum newest_batch_body(FunctionCallInfo) {
  const int64 newest = read_newest_batch().id;
  await_flush(newest);
  PG_RETURN_INT64(newest);
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_publish);
PG_FUNCTION_INFO_V1(pg_live_newest_batch);
extern PGDLLEXPORT Datum pg_live_publish(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_newest_batch(PG_FUNCTION_ARGS);

Datum pg_live_publish(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::publish_body>(fcinfo); }
Datum pg_live_newest_batch(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::newest_batch_body>(fcinfo); }
}
