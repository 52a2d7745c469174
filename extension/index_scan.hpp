// Reads rows of the extension's own tables by an index, without a plan: what runs for each batch would spend most of
// its time on starting executors. Checks neither access nor row security.
#pragma once

#include "postgres.hpp"

#include <span>

namespace pg_live {

// No destructor: an error ends the transaction elsewhere, which closes what is open. Locks are held until the
// transaction ends, as those of a query.
class IndexScan {
 public:
  // `table` and `index` are names in the schema live; the snapshot is the active one. Nothing is read before restart().
  static IndexScan open(const char *table, const char *index, int keys);

  // Begins with the rows that meet all of the keys, as many as open() was told, which name columns of the index.
  void restart(std::span<ScanKeyData> keys);

  // Goes to the next visible row in the order of the index; false behind the last one.
  bool next(ScanDirection direction = ForwardScanDirection);

  // Of the row: valid until the next call.
  Datum column(AttrNumber number) const; // one that is NOT NULL
  HeapTuple copy_row() const;            // in the current memory context
  TupleDesc description() const { return RelationGetDescr(table_); }

  void close();

 private:
  Relation table_;
  Relation index_;
  IndexScanDesc scan_;
  TupleTableSlot *row_;
  MemoryContext context_; // of what the scan keeps between two calls
};

// A condition on a column of an index: `comparison` is the function of the operator with that place in a btree.
ScanKeyData scan_key(AttrNumber column, StrategyNumber strategy, RegProcedure comparison, Datum value);

} // namespace pg_live
