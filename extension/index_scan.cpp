// Opens a table and its index by name and walks them as an index scan of the executor does.
#include "index_scan.hpp"

namespace pg_live {

namespace {

Oid find_relation(const char *name) {
  const Oid relation = get_relname_relid(name, get_namespace_oid("live_private", false));
  if (!OidIsValid(relation))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"live_private.%s\" does not exist", name)));
  return relation;
}

IndexScanDesc begin_scan(Relation table, Relation index, int keys) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, GetActiveSnapshot(), nullptr, keys, 0);
#else
  return index_beginscan(table, index, GetActiveSnapshot(), keys, 0);
#endif
}

} // namespace

IndexScan IndexScan::open(const char *table, const char *index, int keys) {
  IndexScan opened;
  opened.table_ = table_open(find_relation(table), AccessShareLock);
  opened.index_ = index_open(find_relation(index), AccessShareLock);
  opened.scan_ = begin_scan(opened.table_, opened.index_, keys);
  opened.row_ = table_slot_create(opened.table_, nullptr);
  opened.context_ = CurrentMemoryContext;
  return opened;
}

void IndexScan::restart(std::span<ScanKeyData> keys) {
  MemoryContext const caller = MemoryContextSwitchTo(context_);
  index_rescan(scan_, keys.data(), static_cast<int>(keys.size()), nullptr, 0);
  MemoryContextSwitchTo(caller);
}

bool IndexScan::next(ScanDirection direction) {
  CHECK_FOR_INTERRUPTS();
  MemoryContext const caller = MemoryContextSwitchTo(context_);
  const bool is_found = index_getnext_slot(scan_, direction, row_);
  MemoryContextSwitchTo(caller);
  return is_found;
}

Datum IndexScan::column(AttrNumber number) const {
  bool is_null = false;
  const Datum value = slot_getattr(row_, number, &is_null);
  Assert(!is_null);
  return value;
}

HeapTuple IndexScan::copy_row() const { return ExecCopySlotHeapTuple(row_); }

void IndexScan::close() {
  ExecDropSingleTupleTableSlot(row_);
  index_endscan(scan_);
  index_close(index_, NoLock);
  table_close(table_, NoLock);
}

ScanKeyData scan_key(AttrNumber column, StrategyNumber strategy, RegProcedure comparison, Datum value) {
  ScanKeyData key;
  ScanKeyInit(&key, column, strategy, comparison, value);
  return key;
}

} // namespace pg_live
