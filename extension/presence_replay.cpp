// Reads pages as the owner of the events and asks for each user as the caller: the app's check is called as the viewer.
#include "presence_replay.hpp"

#include "query.hpp"

#include <array>

namespace pg_live {

namespace {

constexpr int columns = 4; // of the result; the page has the user behind them
constexpr int position_column = 1;
constexpr int user_column = 5;

bool is_visible(Datum user_id) {
  static constinit KeptPlan plan;
  if (SPI_execute_plan(plan.get("select live.can_see_presence($1)", {TEXTOID}), &user_id, nullptr, false, 1) !=
          SPI_OK_SELECT ||
      SPI_processed != 1)
    elog(ERROR, "cannot ask whose presence is visible");
  bool is_null = false;
  const bool visible = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
  SPI_freetuptable(SPI_tuptable);
  return visible;
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

} // namespace

void replay_presence(ReturnSetInfo *result, ReplayStart start, int32 max_events) {
  SPI_connect();
  for (int32 left = max_events;;) {
    const SPITupleTable *const page = read_page(start, max_events);
    const uint64 rows = page->numvals;
    for (uint64 row = 0; row < rows && left > 0; ++row) {
      bool is_null = false;
      if (!is_visible(SPI_getbinval(page->vals[row], page->tupdesc, user_column, &is_null))) continue;
      put_row(result, page, row);
      --left;
    }
    if (left == 0 || rows < static_cast<uint64>(max_events)) break;
    bool is_null = false;
    start.after_position = {SPI_getbinval(page->vals[rows - 1], page->tupdesc, position_column, &is_null), false};
  }
  SPI_finish();
}

} // namespace pg_live
