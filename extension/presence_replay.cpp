// Reads pages as the owner of the events and asks for the users of a page as the caller: the app's check is called as
// the viewer.
#include "presence_replay.hpp"

#include "query.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/memutils.h"
}

#include <algorithm>
#include <array>

namespace pg_live {

namespace {

constexpr int columns = 4; // of the result; the page has the user behind them
constexpr int position_column = 1;
constexpr int user_column = 5;
// Where the caller may see few users, the pages behind the first are larger than what the caller asks for.
constexpr int32 later_page_events = 1000;

// The rows of a page that are the caller's to see, by number from 1. Each user is asked for once.
SPITupleTable *find_visible(const SPITupleTable *page) {
  static constinit KeptPlan plan;
  auto *const users = static_cast<Datum *>(palloc(sizeof(Datum) * page->numvals));
  auto *const unknown = static_cast<bool *>(palloc(sizeof(bool) * page->numvals));
  for (uint64 row = 0; row < page->numvals; ++row)
    users[row] = SPI_getbinval(page->vals[row], page->tupdesc, user_column, &unknown[row]);
  int dimension = static_cast<int>(page->numvals);
  int lower_bound = 1;
  Datum argument =
      PointerGetDatum(construct_md_array(users, unknown, 1, &dimension, &lower_bound, TEXTOID, -1, false, 'i'));
  const SPIPlanPtr query = plan.get(
      "with asked as materialized (select distinct u.id from pg_catalog.unnest($1) as u (id)), "
      "answered as materialized (select asked.id, live.can_see_presence(asked.id) as is_visible from asked) "
      "select listed.number from pg_catalog.unnest($1) with ordinality as listed (id, number) "
      "join answered on answered.id operator(pg_catalog.=) listed.id where answered.is_visible order by listed.number",
      {TEXTARRAYOID});
  if (SPI_execute_plan(query, &argument, nullptr, false, 0) != SPI_OK_SELECT)
    elog(ERROR, "cannot ask whose presence is visible");
  return SPI_tuptable;
}

SPITupleTable *read_page(const ReplayStart &start, int32 max_events) {
  static constinit KeptPlan plan;
  return as_owner([&start, max_events] {
    std::array<Datum, 3> values{start.after_position.value, start.since.value, Int32GetDatum(max_events)};
    const std::array<char, 4> nulls{start.after_position.isnull ? 'n' : ' ', start.since.isnull ? 'n' : ' ', ' ', '\0'};
    const SPIPlanPtr query =
        plan.get("select * from live.presence_events($1, $2, $3)", {TEXTOID, TIMESTAMPTZOID, INT4OID});
    if (SPI_execute_plan(query, values.data(), nulls.data(), true, 0) != SPI_OK_SELECT)
      elog(ERROR, "cannot read what was announced");
    return SPI_tuptable;
  });
}

void put_row(ReturnSetInfo *result, const SPITupleTable *page, uint64 row) {
  std::array<Datum, columns> values{};
  std::array<bool, columns> nulls{};
  for (int column = 0; column < columns; ++column)
    values[column] = SPI_getbinval(page->vals[row], page->tupdesc, column + 1, &nulls[column]);
  tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
}

// Adds the visible rows of a page, at most so many; returns how many.
int32 put_visible(ReturnSetInfo *result, const SPITupleTable *page, int32 most) {
  SPITupleTable *const visible = find_visible(page);
  const int32 count = static_cast<int32>(std::min(visible->numvals, static_cast<uint64>(most)));
  for (int32 number = 0; number < count; ++number) {
    bool is_null = false;
    put_row(result, page, DatumGetInt64(SPI_getbinval(visible->vals[number], visible->tupdesc, 1, &is_null)) - 1);
  }
  SPI_freetuptable(visible);
  return count;
}

} // namespace

void replay_presence(ReturnSetInfo *result, ReplayStart start, int32 max_events) {
  SPI_connect();
  // A page is forgotten before the next one, but for the position of its last row.
  MemoryContext const kept = CurrentMemoryContext;
  MemoryContext const scratch = AllocSetContextCreate(kept, "presence replay", ALLOCSET_DEFAULT_SIZES);
  Pointer position = nullptr;
  for (int32 left = max_events, page_size = max_events;; page_size = std::max(max_events, later_page_events)) {
    MemoryContextSwitchTo(scratch);
    SPITupleTable *const page = read_page(start, page_size);
    const uint64 rows = page->numvals;
    left -= rows > 0 ? put_visible(result, page, left) : 0;
    MemoryContextSwitchTo(kept);
    if (left == 0 || rows < static_cast<uint64>(page_size)) break;
    bool is_null = false;
    const Datum last = SPI_getbinval(page->vals[rows - 1], page->tupdesc, position_column, &is_null);
    start.after_position = {datumCopy(last, false, -1), false};
    if (position != nullptr) pfree(position);
    position = DatumGetPointer(start.after_position.value);
    SPI_freetuptable(page);
    MemoryContextReset(scratch);
  }
  SPI_finish();
}

} // namespace pg_live
