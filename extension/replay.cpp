// live.replay() and live_private.replay_start(): check access as the caller, then read as the owner of the tables. The
// queries are in replay.sql.
#include "batch_flush.hpp"
#include "boundary.hpp"
#include "presence_replay.hpp"
#include "query.hpp"
#include "topic.hpp"

#include <array>

namespace pg_live {

namespace {

constexpr int replay_columns = 4;
constexpr int32 events_limit = 10'000;

int32 limit_argument(FunctionCallInfo fcinfo, int index) {
  const int32 limit = PG_ARGISNULL(index) ? 0 : PG_GETARG_INT32(index);
  if (limit < 1 || limit > events_limit)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_events must be between 1 and %d", events_limit)));
  return limit;
}

Datum replay_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  require_can_receive(topic);
  await_flush(newest_of_all);
  if (topic == "presence") {
    const int32 limit = limit_argument(fcinfo, 3);
    InitMaterializedSRF(fcinfo, 0);
    replay_presence(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), {fcinfo->args[1], fcinfo->args[2]}, limit);
    return Datum{0};
  }
  std::array<Datum, replay_columns> values{PG_GETARG_DATUM(0), PG_ARGISNULL(1) ? Datum{0} : PG_GETARG_DATUM(1),
                                           PG_ARGISNULL(2) ? Datum{0} : PG_GETARG_DATUM(2),
                                           Int32GetDatum(limit_argument(fcinfo, 3))};
  const std::array<char, replay_columns + 1> nulls{' ', PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ',
                                                   '\0'};
  InitMaterializedSRF(fcinfo, 0);
  auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  as_owner([&values, &nulls, result] {
    SPI_connect();
    const SPIPlanPtr query = plan.get("select * from live_private.replay_events($1, $2, $3, $4)",
                                      {TEXTOID, TEXTOID, TIMESTAMPTZOID, INT4OID});
    if (SPI_execute_plan(query, values.data(), nulls.data(), true, 0) != SPI_OK_SELECT)
      elog(ERROR, "cannot read events");
    return_rows(result);
    SPI_finish();
    return true;
  });
  return Datum{0};
}

Datum replay_start_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  require_can_receive(topic);
  await_flush(newest_of_all);
  const int32 limit = limit_argument(fcinfo, 2);
  const NullableDatum since = fcinfo->args[1];
  if (topic == "presence") {
    const NullableDatum start = presence_replay_start(since, limit);
    fcinfo->isnull = start.isnull;
    return start.value;
  }
  std::array<Datum, 3> values{PG_GETARG_DATUM(0), since.value, Int32GetDatum(limit)};
  const std::array<char, 4> nulls{' ', since.isnull ? 'n' : ' ', ' ', '\0'};
  const NullableDatum start = as_owner([&values, &nulls] {
    return query_value(plan, "select live_private.start_of_latest($1, $2, $3)", {TEXTOID, TIMESTAMPTZOID, INT4OID},
                       values.data(), nulls.data(), Effects::none);
  });
  fcinfo->isnull = start.isnull;
  return start.value;
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_replay);
PG_FUNCTION_INFO_V1(pg_live_replay_start);
extern PGDLLEXPORT Datum pg_live_replay(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_replay_start(PG_FUNCTION_ARGS);

Datum pg_live_replay(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::replay_body>(fcinfo); }

Datum pg_live_replay_start(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::replay_start_body>(fcinfo); }
}
