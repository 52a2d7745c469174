// Reads rows of the extension's own tables through an index without a plan, since queries that run for each batch would
// spend most of their time on starting executors. Checks neither access nor row security.
#pragma once

#include "postgres.hpp"

#include <span>

namespace pg_live {

// No destructor: after an error, the end of the transaction closes what is open. Locks are kept until the transaction
// ends, as those of a query.
class IndexScan {
 public:
  // `table` and `index` are names in the schema live_private; the snapshot is the active one. Reads nothing yet.
  static IndexScan open(const char *table, const char *index, int keys);

  // Starts with the first row that meets all `keys`, as many as open() was given; their columns are those of the index.
  void restart(std::span<ScanKeyData> keys);

  // Moves to the next visible row in the order of the index; false after the last one.
  bool next(ScanDirection direction = ForwardScanDirection);

  // Values of the current row, valid until the next call.
  Datum column(AttrNumber number) const; // a column that is NOT NULL
  HeapTuple copy_row() const;            // in the current memory context
  TupleDesc description() const { return RelationGetDescr(table_); }

  void close();

 private:
  Relation table_;
  Relation index_;
  IndexScanDesc scan_;
  TupleTableSlot *row_;
  MemoryContext context_; // keeps the state of the scan between calls
};

// A condition on a column of an index. `comparison` is the function of the operator with that strategy in the btree.
ScanKeyData scan_key(AttrNumber column, StrategyNumber strategy, RegProcedure comparison, Datum value);

} // namespace pg_live
