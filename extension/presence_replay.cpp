// Reads pages as the owner of the events, and checks the users of a page as the caller: the app's check is called as
// the viewer. The visitors of pages are lambdas that capture nothing with a destructor.
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

constexpr int presence_replay_columns = 4; // of the result; a page has the user as a fifth one
constexpr int position_column = 1;
constexpr int user_column = 5;
// Where the caller may see few users, pages after the first are larger than requested, so that fewer are read.
constexpr int32 later_page_events = 1000;

// The rows of a page that the caller may see, as numbers from 1. Checks each user once.
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
      "answered as materialized (select asked.id, live_private.can_see_presence(asked.id) as is_visible from asked) "
      "select listed.number from pg_catalog.unnest($1) with ordinality as listed (id, number) "
      "join answered on answered.id operator(pg_catalog.=) listed.id where answered.is_visible order by listed.number",
      {TEXTARRAYOID});
  if (SPI_execute_plan(query, &argument, nullptr, false, 0) != SPI_OK_SELECT)
    elog(ERROR, "cannot check the visibility of presence");
  return SPI_tuptable;
}

SPITupleTable *read_page(const ReplayStart &start, int32 max_events) {
  static constinit KeptPlan plan;
  return as_owner([&start, max_events] {
    std::array<Datum, 3> values{start.after_position.value, start.since.value, Int32GetDatum(max_events)};
    const std::array<char, 4> nulls{start.after_position.isnull ? 'n' : ' ', start.since.isnull ? 'n' : ' ', ' ', '\0'};
    const SPIPlanPtr query =
        plan.get("select * from live_private.presence_events($1, $2, $3)", {TEXTOID, TIMESTAMPTZOID, INT4OID});
    if (SPI_execute_plan(query, values.data(), nulls.data(), true, 0) != SPI_OK_SELECT)
      elog(ERROR, "cannot read presence events");
    return SPI_tuptable;
  });
}

void put_row(ReturnSetInfo *result, const SPITupleTable *page, uint64 row) {
  std::array<Datum, presence_replay_columns> values{};
  std::array<bool, presence_replay_columns> nulls{};
  for (int column = 0; column < presence_replay_columns; ++column)
    values[column] = SPI_getbinval(page->vals[row], page->tupdesc, column + 1, &nulls[column]);
  tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
}

uint64 row_number(const SPITupleTable *visible, uint64 number) {
  bool is_null = false;
  return static_cast<uint64>(DatumGetInt64(SPI_getbinval(visible->vals[number], visible->tupdesc, 1, &is_null))) - 1;
}

Datum position_of(const SPITupleTable *page, uint64 row) {
  bool is_null = false;
  return SPI_getbinval(page->vals[row], page->tupdesc, position_column, &is_null);
}

// Calls visit(page, visible) with each page after a start and its visible rows, until that returns false. Frees a page
// before it reads the next one, except for the position of its last row.
template <typename Visit>
void visit_pages(ReplayStart start, int32 max_events, Visit visit) {
  MemoryContext const kept = CurrentMemoryContext;
  MemoryContext const scratch = AllocSetContextCreate(kept, "presence replay", ALLOCSET_DEFAULT_SIZES);
  Pointer position = nullptr;
  for (int32 page_size = max_events;; page_size = std::max(max_events, later_page_events)) {
    MemoryContextSwitchTo(scratch);
    SPITupleTable *const page = read_page(start, page_size);
    const uint64 rows = page->numvals;
    bool goes_on = rows == static_cast<uint64>(page_size);
    if (rows > 0) {
      SPITupleTable *const visible = find_visible(page);
      goes_on = visit(page, visible) && goes_on;
      SPI_freetuptable(visible);
    }
    MemoryContextSwitchTo(kept);
    if (!goes_on) break;
    start.after_position = {datumCopy(position_of(page, rows - 1), false, -1), false};
    if (position != nullptr) pfree(position);
    position = DatumGetPointer(start.after_position.value);
    SPI_freetuptable(page);
    MemoryContextReset(scratch);
  }
}

// A start after which at least so many changes were announced, of any users; null if there are fewer.
NullableDatum start_of_latest(NullableDatum since, int32 max_events) {
  static constinit KeptPlan plan;
  return as_owner([since, max_events] {
    std::array<Datum, 2> values{since.value, Int32GetDatum(max_events)};
    const std::array<char, 3> nulls{since.isnull ? 'n' : ' ', ' ', '\0'};
    return query_value(plan, "select live_private.start_of_latest_presence($1, $2)", {TIMESTAMPTZOID, INT4OID},
                       values.data(), nulls.data(), Effects::none);
  });
}

Datum position_before(Datum position) {
  static constinit KeptPlan plan;
  return as_owner([&position] {
    return query_value(plan, "select live_private.position_before($1)", {TEXTOID}, &position, nullptr, Effects::none)
        .value;
  });
}

} // namespace

void replay_presence(ReturnSetInfo *result, ReplayStart start, int32 max_events) {
  SPI_connect();
  uint64 left = static_cast<uint64>(max_events);
  visit_pages(start, max_events, [result, &left](const SPITupleTable *page, const SPITupleTable *visible) {
    const uint64 count = std::min(visible->numvals, left);
    for (uint64 number = 0; number < count; ++number)
      put_row(result, page, row_number(visible, number));
    left -= count;
    return left > 0;
  });
  SPI_finish();
}

// Examines more and more events until the caller may see enough of them.
NullableDatum presence_replay_start(NullableDatum since, int32 max_events) {
  constexpr std::size_t position_bytes = 40;
  constexpr int32 growth = 8;
  SPI_connect();
  auto *const ring =
      static_cast<char(*)[position_bytes]>(palloc(position_bytes * static_cast<std::size_t>(max_events)));
  NullableDatum found{Datum{0}, true};
  for (int32 examined = max_events;; examined = examined > PG_INT32_MAX / growth ? PG_INT32_MAX : examined * growth) {
    const NullableDatum start = start_of_latest(since, examined);
    uint64 seen = 0;
    visit_pages({start, since}, later_page_events,
                [ring, max_events, &seen](const SPITupleTable *page, const SPITupleTable *visible) {
                  for (uint64 number = 0; number < visible->numvals; ++number)
                    text_to_cstring_buffer(DatumGetTextPP(position_of(page, row_number(visible, number))),
                                           ring[seen++ % static_cast<uint64>(max_events)], position_bytes);
                  return true;
                });
    if (seen >= static_cast<uint64>(max_events)) {
      const char *const first = ring[seen % static_cast<uint64>(max_events)];
      found = {SPI_datumTransfer(position_before(CStringGetTextDatum(first)), false, -1), false};
    }
    if (!found.isnull || start.isnull) break;
  }
  SPI_finish();
  return found;
}

} // namespace pg_live
