// live.key_between().
#include "merge/fractional_index.hpp"

#include "boundary.hpp"
#include "text_view.hpp"

namespace pg_live {

namespace {

std::optional<std::string_view> key_argument(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return std::nullopt;
  return call([=] { return view(PG_GETARG_TEXT_PP(index)); });
}

Datum key_between_body(FunctionCallInfo fcinfo) {
  const auto result = key_between(key_argument(fcinfo, 0), key_argument(fcinfo, 1));
  if (const auto *fault = std::get_if<KeyFault>(&result))
    throw SqlError{ERRCODE_INVALID_PARAMETER_VALUE, message(*fault).data()};
  const std::string_view key = std::get<std::string>(result);
  return call([=] { return PointerGetDatum(cstring_to_text_with_len(key.data(), key.size())); });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_key_between);
extern PGDLLEXPORT Datum pg_live_key_between(PG_FUNCTION_ARGS);

Datum pg_live_key_between(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::key_between_body>(fcinfo); }
}
