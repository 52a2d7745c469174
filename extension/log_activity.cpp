// live.log_activity(): checks the entity as the caller, stores as the owner of the tables.
#include "boundary.hpp"
#include "query.hpp"

extern "C" {
#include "utils/fmgroids.h"
}

#include <array>

namespace pg_live {

namespace {

constexpr int logged_values = 8;
constexpr int entity_type = 1;
constexpr int entity_id = 2;
constexpr int visibility = 4;

// The check raises the same error for an entity that does not exist and for one that the caller may not see.
void require_entity(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  if (PG_ARGISNULL(entity_type) || PG_ARGISNULL(entity_id))
    return; // no entity, or an error that store_activity() raises
  std::array<Datum, 2> values{PG_GETARG_DATUM(entity_type), PG_GETARG_DATUM(entity_id)};
  SPI_connect();
  if (SPI_execute_plan(plan.get("select live_private.require_entity($1, $2)", {TEXTOID, TEXTOID}), values.data(),
                       nullptr, false, 0) != SPI_OK_SELECT)
    elog(ERROR, "cannot check an entity");
  SPI_finish();
}

Datum log_activity_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  require_entity(fcinfo);
  std::array<Datum, logged_values> values{};
  std::array<char, logged_values + 1> nulls{};
  for (int index = 0; index < logged_values; ++index) {
    values[index] = fcinfo->args[index].value;
    nulls[index] = PG_ARGISNULL(index) ? 'n' : ' ';
  }
  // Passed as text: the OID of the enum type differs between databases, its name does not.
  if (!PG_ARGISNULL(visibility))
    values[visibility] = CStringGetTextDatum(OidOutputFunctionCall(F_ENUM_OUT, PG_GETARG_DATUM(visibility)));
  return as_owner([&values, &nulls] {
    return query_value(plan,
                       "select live_private.store_activity($1, $2, $3, $4, $5::live.activity_visibility, $6, $7, $8)",
                       {TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, UUIDOID, TEXTARRAYOID, TEXTOID}, values.data(),
                       nulls.data(), Effects::writes)
        .value;
  });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_log_activity);
extern PGDLLEXPORT Datum pg_live_log_activity(PG_FUNCTION_ARGS);

Datum pg_live_log_activity(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::log_activity_body>(fcinfo); }
}
