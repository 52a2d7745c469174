// live.channel_members(): checks access as the caller, reads as the owner of the table.
#include "boundary.hpp"
#include "query.hpp"
#include "topic.hpp"

#include <array>

namespace pg_live {

namespace {

// Whether the topic has no rule: then the name can only be that of a public room.
bool is_open_room(Datum topic) {
  static constinit KeptPlan plan;
  return as_owner([topic] {
    return DatumGetBool(
        query_value(plan, "select live_private.is_open_room($1)", {TEXTOID}, &topic, nullptr, Effects::none).value);
  });
}

Datum channel_members_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  const bool is_private = !is_open_room(PG_GETARG_DATUM(0));
  if (is_private) require_can_receive(topic);
  const std::array<Datum, 2> values{PG_GETARG_DATUM(0), BoolGetDatum(is_private)};
  InitMaterializedSRF(fcinfo, 0);
  auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  as_owner([values, result] {
    std::array<Datum, 2> arguments = values;
    SPI_connect();
    const SPIPlanPtr query = plan.get("select * from live_private.channel_members_of($1, $2)", {TEXTOID, BOOLOID});
    if (SPI_execute_plan(query, arguments.data(), nullptr, true, 0) != SPI_OK_SELECT)
      elog(ERROR, "cannot read the members of a channel");
    return_rows(result);
    return SPI_finish();
  });
  return Datum{0};
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_channel_members);
extern PGDLLEXPORT Datum pg_live_channel_members(PG_FUNCTION_ARGS);

Datum pg_live_channel_members(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::channel_members_body>(fcinfo); }
}
