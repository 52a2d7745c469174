// Lets one publisher at a time store the next batch. This is the rule that makes delivery complete: nothing is skipped,
// however late a transaction commits. What is too much for one batch is cut in hold.sql.
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

namespace {

// A batch as the pass that follows it needs it.
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

bool is_anything_held() {
  IndexScan open_series = IndexScan::open("held_series", "held_series_open_idx", 0);
  open_series.restart({});
  const bool is_held = open_series.next();
  open_series.close();
  return is_held;
}

// The events that ended between two snapshots, as far as they fit into one batch.
struct EndedEvents {
  std::span<uint64> xids; // sorted, each once
  int events;             // one more than fits, if they are too many
  bool are_durable;       // any of them
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

// Without batches, all is published from the beginning, what was held with it.
void forget_what_is_held() {
  for (const char *table : {"held_series", "held_transaction", "held_topic"}) {
    char statement[64];
    snprintf(statement, sizeof statement, "delete from live_private.%s", table);
    if (SPI_execute(statement, false, 0) != SPI_OK_DELETE) elog(ERROR, "cannot forget what is held");
  }
}

void store_batches(const NewestBatch &previous, Datum later, int64 next, HeldParts parts) {
  static constinit KeptPlan plan;
  const SPIPlanPtr query = plan.get("select live_private.store_batches($1, $2, $3, $4, $5)",
                                    {PG_SNAPSHOTOID, PG_SNAPSHOTOID, INT8OID, INT4OID, BOOLOID});
  std::array<Datum, 5> values{previous.snapshot, later, Int64GetDatum(next), Int32GetDatum(settings().batch_events),
                              BoolGetDatum(parts == HeldParts::release)};
  if (SPI_execute_plan(query, values.data(), nullptr, false, 0) != SPI_OK_SELECT) elog(ERROR, "cannot store batches");
}

void set_synchronous_commit(const char *value) {
  set_config_option("synchronous_commit", value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

// The pass, in a snapshot that was taken under the lock. What it reads is all of the transactions between the two
// snapshots: these had ended, so later statements read the same of them.
Published store_what_ended(Flush flush, HeldParts parts) {
  NewestBatch previous = read_newest_batch();
  if (previous.id == 0) previous.snapshot = DirectFunctionCall1(pg_snapshot_in, CStringGetDatum("3:3:"));
  const Datum later = OidFunctionCall0(F_PG_CURRENT_SNAPSHOT);
  const int64 next = next_batch_id(previous.id);
  if (previous.id == 0) forget_what_is_held();

  Published published;
  published.holds = is_anything_held();
  const EndedEvents ended = read_ended_events(previous.snapshot, later, settings().batch_events);
  const bool takes_parts = published.holds || ended.events > settings().batch_events;
  // A snapshot from the future comes from another cluster: start over rather than publish nothing for ever. What was
  // emitted since, and before this pass, is in no batch.
  const bool is_from_future = snapshot_xmax(previous.snapshot) > snapshot_xmax(later);
  if (takes_parts) {
    store_batches(previous, later, next, parts);
  } else if (ended.events > 0 || is_from_future) {
    insert_batch(next, later, ended);
  }
  PopActiveSnapshot();
  PushActiveSnapshot(GetTransactionSnapshot()); // sees what was stored
  if (takes_parts) published.holds = is_anything_held();
  const int64 newest = takes_parts || ended.events > 0 || is_from_future ? read_newest_batch().id : previous.id;
  if (newest != 0) published.newest = newest;

  const bool must_last = takes_parts || ended.are_durable;
  if (newest > previous.id && must_last && flush == Flush::later) published.unflushed_from = next;
  if (flush != Flush::every_batch && !(must_last && flush == Flush::durable_batches)) {
    commit_without_flush();
  } else if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF) {
    set_synchronous_commit("on"); // whatever the database is set to
  }
  return published;
}

} // namespace

void commit_without_flush() { set_synchronous_commit("off"); }

Published store_next_batch(Flush flush, HeldParts parts) {
  // The lock comes first; the snapshot that reads and is stored is taken after it.
  if (!lock_extension(ShareUpdateExclusiveLock)) return {};
  SPI_connect();
  PushActiveSnapshot(GetTransactionSnapshot());
  const Published published = store_what_ended(flush, parts);
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
