// Reads snapshots by their documented text form, xmin:xmax:xip,xip…; the type itself is private to PostgreSQL.
#include "ended_xids.hpp"

#include "boundary.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace pg_live {

namespace {

struct SnapshotView {
  uint64 xmax;
  std::span<const uint64> running; // sorted

  bool has_ended(uint64 xid) const { return xid < xmax && !std::binary_search(running.begin(), running.end(), xid); }
};

SnapshotView view_of(Datum snapshot) {
  const char *const text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, snapshot));
  const char *const end = text + strlen(text);
  const auto length = static_cast<Size>(end - text);
  auto *const numbers = static_cast<uint64 *>(palloc((length + 1) * sizeof(uint64)));
  size_t count = 0; // xmin, xmax, and those that run
  for (const char *at = text; at < end; ++at) {
    at = std::from_chars(at, end, numbers[count]).ptr;
    ++count;
    if (at + 1 == end) break; // the list of running transactions is empty: the text ends with a colon
  }
  Assert(count >= 2 && std::is_sorted(numbers + 2, numbers + count));
  return {numbers[1], {numbers + 2, count - 2}};
}

Datum ended_xids_body(FunctionCallInfo fcinfo) {
  InitMaterializedSRF(fcinfo, 0);
  auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  for (const XidRange range : ended_xids(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1))) {
    Datum values[] = {UInt64GetDatum(range.first), UInt64GetDatum(range.end)};
    bool nulls[] = {false, false};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  return Datum{0};
}

} // namespace

std::span<XidRange> ended_xids(Datum earlier_snapshot, Datum later_snapshot) {
  const SnapshotView earlier = view_of(earlier_snapshot);
  const SnapshotView later = view_of(later_snapshot);
  const size_t most = earlier.running.size() + later.running.size() + 1;
  auto *const ranges = static_cast<XidRange *>(palloc(most * sizeof(XidRange)));
  size_t count = 0;
  for (const uint64 xid : earlier.running)
    if (later.has_ended(xid)) ranges[count++] = {xid, xid + 1};
  uint64 first = earlier.xmax;
  for (const uint64 xid : later.running) {
    if (xid < earlier.xmax) continue;
    if (first < xid) ranges[count++] = {first, xid};
    first = xid + 1;
  }
  if (first < later.xmax) ranges[count++] = {first, later.xmax};
  Assert(count <= most);
  return {ranges, count};
}

uint64 snapshot_xmax(Datum snapshot) {
  return U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmax, snapshot)));
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_ended_xids);
extern PGDLLEXPORT Datum pg_live_ended_xids(PG_FUNCTION_ARGS);

Datum pg_live_ended_xids(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::ended_xids_body>(fcinfo); }
}
