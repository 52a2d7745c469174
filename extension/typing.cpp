// Typing: checks as the current user that the topic of the location may be received, then acts with the owner's rights.
#include "boundary.hpp"
#include "query.hpp"
#include "topic.hpp"

#include <array>

namespace pg_live {

namespace {

void require_location(std::string_view location) {
  StringInfoData topic;
  initStringInfo(&topic);
  appendStringInfoString(&topic, "typing:");
  appendBinaryStringInfo(&topic, location.data(), static_cast<int>(location.size()));
  require_can_receive({topic.data, static_cast<size_t>(topic.len)});
}

// `first` is the number of the argument location, which is_typing follows. `connection` may be null.
void set_typing(FunctionCallInfo fcinfo, int first, NullableDatum connection) {
  static constinit KeptPlan plan;
  const std::string_view location = text_argument(fcinfo, first, "location");
  if (PG_ARGISNULL(first + 1))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("is_typing must not be null")));
  require_location(location);
  std::array<Datum, 3> values{PG_GETARG_DATUM(first), PG_GETARG_DATUM(first + 1), connection.value};
  const std::array<char, 4> nulls{' ', ' ', connection.isnull ? 'n' : ' ', '\0'};
  as_owner([&] {
    SPI_connect();
    const SPIPlanPtr query = plan.get("select live_private.store_typing($1, $2, $3)", {TEXTOID, BOOLOID, UUIDOID});
    const int result = SPI_execute_plan(query, values.data(), nulls.data(), false, 0);
    if (result != SPI_OK_SELECT) elog(ERROR, "cannot store typing: %s", SPI_result_code_string(result));
    return SPI_finish();
  });
}

Datum set_typing_body(FunctionCallInfo fcinfo) {
  set_typing(fcinfo, 0, {Datum{0}, true});
  PG_RETURN_VOID();
}

Datum set_typing_of_socket_body(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("connection_id must not be null")));
  set_typing(fcinfo, 1, fcinfo->args[0]);
  PG_RETURN_VOID();
}

Datum get_typing_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  const std::string_view location = text_argument(fcinfo, 0, "location");
  require_location(location);
  Datum value = PG_GETARG_DATUM(0);
  return as_owner([&] {
    return query_value(plan, "select live_private.typing_users($1)", {TEXTOID}, &value, nullptr, Effects::none).value;
  });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_set_typing);
PG_FUNCTION_INFO_V1(pg_live_set_typing_of_socket);
PG_FUNCTION_INFO_V1(pg_live_get_typing);
extern PGDLLEXPORT Datum pg_live_set_typing(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_set_typing_of_socket(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_get_typing(PG_FUNCTION_ARGS);

Datum pg_live_set_typing(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::set_typing_body>(fcinfo); }
Datum pg_live_set_typing_of_socket(PG_FUNCTION_ARGS) {
  return pg_live::entry<pg_live::set_typing_of_socket_body>(fcinfo);
}

Datum pg_live_get_typing(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::get_typing_body>(fcinfo); }
}
