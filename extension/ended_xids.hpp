// The transactions that ended between two snapshots; their events are the next batch.
#pragma once

#include "postgres.hpp"

#include <span>

namespace pg_live {

// The transactions [first, end).
struct XidRange {
  uint64 first;
  uint64 end;
};

// Returns disjoint ranges, in order, of the transactions that were running or future in the earlier snapshot and have
// ended in the later one. Transactions that still run lie between the ranges, so their rows are never read.
std::span<XidRange> ended_xids(Datum earlier, Datum later);

// The first transaction id that is in the future of a snapshot.
uint64 snapshot_xmax(Datum snapshot);

} // namespace pg_live
