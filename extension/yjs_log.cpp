// What the log of a Yjs session reads of updates: the ids of an update, and what a snapshot lacks.
//
// The C++ objects of these functions are crossed by no longjmp: what calls PostgreSQL runs inside call().
#include "yjs_value.hpp"

#include "boundary.hpp"
#include "merge/yjs_merge.hpp"

#include <array>
#include <string>

namespace pg_live {

namespace {

enum class Ids : unsigned char { structs, deletions };

void return_ranges(ReturnSetInfo *result, const yjs::IdSet &ids, Ids kind) {
  for (const yjs::IdRange &range : ids.ranges()) {
    std::array<Datum, 4> values{BoolGetDatum(kind == Ids::deletions), Int64GetDatum(static_cast<int64>(range.client)),
                                Int64GetDatum(static_cast<int64>(range.clock)),
                                Int64GetDatum(static_cast<int64>(range.end))};
    std::array<bool, 4> nulls{};
    Datum *const columns = values.data();
    bool *const is_null = nulls.data();
    call([=] { tuplestore_putvalues(result->setResult, result->setDesc, columns, is_null); });
  }
}

Datum yjs_ranges_body(FunctionCallInfo fcinfo) {
  call([=] { InitMaterializedSRF(fcinfo, 0); });
  auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  const yjs::Update update = checked_update(bytes_argument(fcinfo, 0));
  return_ranges(result, update.contents.structs, Ids::structs);
  return_ranges(result, update.contents.deleted, Ids::deletions);
  return Datum{0};
}

const char *fault_of(yjs::SnapshotVerdict verdict) {
  switch (verdict) {
  case yjs::SnapshotVerdict::has_gap:
    return "it has a gap";
  case yjs::SnapshotVerdict::lacks_structs:
    return "it lacks structs";
  case yjs::SnapshotVerdict::lacks_deletions:
    return "it lacks deletions";
  case yjs::SnapshotVerdict::complete:
    break;
  }
  return nullptr;
}

Datum yjs_snapshot_fault_body(FunctionCallInfo fcinfo) {
  const yjs::Update snapshot = checked_update(bytes_argument(fcinfo, 0));
  const yjs::Contents log = yjs::united(updates_argument(fcinfo, 1));
  const char *const fault = fault_of(yjs::verify_snapshot(snapshot.contents, log));
  if (fault == nullptr) PG_RETURN_NULL();
  return call([=] { return CStringGetTextDatum(fault); });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_yjs_ranges);
PG_FUNCTION_INFO_V1(pg_live_yjs_snapshot_fault);
extern PGDLLEXPORT Datum pg_live_yjs_ranges(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_yjs_snapshot_fault(PG_FUNCTION_ARGS);

Datum pg_live_yjs_ranges(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::yjs_ranges_body>(fcinfo); }
Datum pg_live_yjs_snapshot_fault(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::yjs_snapshot_fault_body>(fcinfo); }
}
