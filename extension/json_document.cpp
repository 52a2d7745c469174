// Operations of json sessions: checks them, and divides values into the leaves that are stored, see
// merge/json_document.hpp.
//
// The C++ objects of these functions are crossed by no longjmp: what calls PostgreSQL runs inside call().
#include "merge/json_document.hpp"

#include "boundary.hpp"
#include "operation_value.hpp"

#include <array>
#include <vector>

namespace pg_live {

namespace {

JsonOperation checked_operation(std::string_view text) {
  JsonOperation::Result result = JsonOperation::parse(text);
  if (const auto *fault = std::get_if<JsonFault>(&result))
    throw SqlError{
        is_limit(*fault) ? ERRCODE_PROGRAM_LIMIT_EXCEEDED : ERRCODE_INVALID_PARAMETER_VALUE, message(*fault).data(),
        "An operation of a json session is {\"path\": [names], \"value\": ...}; without a value it deletes."};
  return std::get<JsonOperation>(std::move(result));
}

// The text of an argument of the type jsonb.
std::string_view json_argument(FunctionCallInfo fcinfo, int index) {
  require_utf8();
  return json_text(call([=] { return PG_GETARG_JSONB_P(index); }));
}

Datum jsonb_datum(std::string_view json) {
  return call([=] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(json.data(), json.size()))); });
}

Datum path_datum(const JsonPath &path) {
  std::vector<Datum> names;
  names.reserve(path.size());
  for (const std::string &name : path) {
    const std::string_view text = name;
    names.push_back(call([=] { return PointerGetDatum(cstring_to_text_with_len(text.data(), text.size())); }));
  }
  Datum *const elements = names.data();
  const auto count = static_cast<int>(names.size());
  return call([=] { return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT)); });
}

Datum json_path_body(FunctionCallInfo fcinfo) { return path_datum(checked_operation(json_argument(fcinfo, 0)).path); }

Datum json_leaves_body(FunctionCallInfo fcinfo) {
  call([=] { InitMaterializedSRF(fcinfo, 0); });
  auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  const JsonOperation operation = checked_operation(json_argument(fcinfo, 0));
  for (const JsonLeaf &leaf : leaves(operation)) {
    std::array<Datum, 2> values{path_datum(leaf.path), jsonb_datum(leaf.value)};
    std::array<bool, 2> nulls{};
    Datum *const columns = values.data();
    bool *const is_null = nulls.data();
    call([=] { tuplestore_putvalues(result->setResult, result->setDesc, columns, is_null); });
  }
  return Datum{0};
}

Datum changed_json_body(FunctionCallInfo fcinfo) {
  JsonDocument document;
  const std::string_view initial = json_argument(fcinfo, 0);
  const auto whole = json::parse(initial, {.max_depth = json::max_supported_depth});
  if (!whole || whole->kind != json::Kind::object)
    throw SqlError{ERRCODE_INVALID_PARAMETER_VALUE, message(JsonFault::not_a_document).data()};
  document.apply({{}, *whole});
  for_each_operation(fcinfo, 1,
                     [&document](std::string_view operation) { document.apply(checked_operation(operation)); });
  const std::string changed = document.to_json();
  return jsonb_datum(changed);
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_json_path);
PG_FUNCTION_INFO_V1(pg_live_json_leaves);
PG_FUNCTION_INFO_V1(pg_live_changed_json);
extern PGDLLEXPORT Datum pg_live_json_path(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_json_leaves(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_changed_json(PG_FUNCTION_ARGS);

Datum pg_live_json_path(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::json_path_body>(fcinfo); }
Datum pg_live_json_leaves(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::json_leaves_body>(fcinfo); }
Datum pg_live_changed_json(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::changed_json_body>(fcinfo); }
}
