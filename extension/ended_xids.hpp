// Which transactions ended between two snapshots: those whose events are the next batch.
#pragma once

#include "postgres.hpp"

#include <span>

namespace pg_live {

// The transactions [first, end).
struct XidRange {
  uint64 first;
  uint64 end;
};

// Ranges, in order and apart, of the transactions that were running or unborn in the earlier snapshot and have ended in
// the later one. Those that still run lie between the ranges, so their rows are never touched, however many they are.
std::span<XidRange> ended_xids(Datum earlier, Datum later);

// The first transaction that is unborn in a snapshot.
uint64 snapshot_xmax(Datum snapshot);

} // namespace pg_live
