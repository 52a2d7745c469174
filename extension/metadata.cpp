// Refuses metadata that would hurt whoever stores or reads it: too large, too deep, too many keys, keys that poison
// JavaScript objects, control characters in keys.
#include "boundary.hpp"
#include "postgres.hpp"
#include "settings.hpp"

#include <array>
#include <string_view>

namespace pg_live {

namespace {

constexpr int deepest = 8;
constexpr int most_keys = 256;
constexpr size_t longest_number = 350; // what a double needs at most, written out
// Assigning these to an object of JavaScript changes the object's class instead of its data.
constexpr std::array<std::string_view, 3> poisonous = {"__proto__", "constructor", "prototype"};

[[noreturn]] void refuse(int sqlstate, const char *message) {
  ereport(ERROR, (errcode(sqlstate), errmsg("%s", message)));
  pg_unreachable();
}

void check_key(std::string_view key) {
  for (const std::string_view poison : poisonous)
    if (key == poison)
      ereport(ERROR,
              (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("metadata must not have a key \"%s\"", poison.data())));
  for (const char character : key)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f)
      refuse(ERRCODE_INVALID_PARAMETER_VALUE, "metadata must not have control characters in keys");
}

// 1e100000 is a few bytes here and a hundred thousand for everybody who reads it.
void check_number(Numeric number) {
  const char *const text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
  if (strlen(text) > longest_number)
    refuse(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "metadata has a number of more than 350 digits");
}

void check(Jsonb *metadata) {
  if (!JB_ROOT_IS_OBJECT(metadata)) refuse(ERRCODE_INVALID_PARAMETER_VALUE, "metadata must be a JSON object");
  const Size size = VARSIZE(metadata);
  const Size limit = static_cast<Size>(settings().max_metadata_size) * 1024;
  if (size > limit)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("metadata is too large"),
                    errdetail("It has %zu bytes, the limit is %zu.", size, limit),
                    errhint("Store a reference, or raise \"pg_live.max_metadata_size\".")));
  int depth = 0;
  int keys = 0;
  JsonbValue value;
  JsonbIterator *iterator = JsonbIteratorInit(&metadata->root);
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;) {
    if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY) {
      if (++depth > deepest) refuse(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "metadata is nested more than 8 levels deep");
    } else if (token == WJB_END_OBJECT || token == WJB_END_ARRAY) {
      --depth;
    } else if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvNumeric) {
      check_number(value.val.numeric);
    } else if (token == WJB_KEY) {
      if (++keys > most_keys) refuse(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "metadata has more than 256 keys");
      check_key({value.val.string.val, static_cast<size_t>(value.val.string.len)});
    }
  }
}

Datum checked_metadata_body(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  Jsonb *const metadata = PG_GETARG_JSONB_P(0);
  check(metadata);
  PG_RETURN_JSONB_P(metadata);
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_checked_metadata);
extern PGDLLEXPORT Datum pg_live_checked_metadata(PG_FUNCTION_ARGS);

Datum pg_live_checked_metadata(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::checked_metadata_body>(fcinfo); }
}
