// Refuses metadata that would harm the server or its readers: too large, too deep, too many keys, keys that corrupt
// JavaScript objects, control characters in keys.
#include "metadata.hpp"

#include "boundary.hpp"
#include "settings.hpp"

#include <array>
#include <string_view>

namespace pg_live {

namespace {

constexpr int most_keys = 256;
// Assigning these to a JavaScript object changes its prototype or class instead of its data.
constexpr std::array<std::string_view, 3> poisonous = {"__proto__", "constructor", "prototype"};

MetadataFlaw too_much(const char *message) { return {ERRCODE_PROGRAM_LIMIT_EXCEEDED, message, nullptr, nullptr}; }

MetadataFlaw invalid(const char *message) { return {ERRCODE_INVALID_PARAMETER_VALUE, message, nullptr, nullptr}; }

MetadataFlaw find_key_flaw(std::string_view key) {
  for (const std::string_view poison : poisonous)
    if (key == poison) return invalid(psprintf("metadata must not have a key \"%s\"", poison.data()));
  for (const char character : key)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f)
      return invalid("metadata must not have control characters in keys");
  return {};
}

// 1e100000 takes a few bytes as stored, and a hundred thousand as text for each reader.
bool is_long(Numeric number) {
  const char *const text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
  return strlen(text) > longest_metadata_number;
}

MetadataFlaw find_content_flaw(Jsonb *metadata) {
  int depth = 0;
  int keys = 0;
  JsonbValue value;
  JsonbIterator *iterator = JsonbIteratorInit(&metadata->root);
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;) {
    if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY) {
      if (++depth > deepest_metadata) return too_much("metadata is nested more than 8 levels deep");
    } else if (token == WJB_END_OBJECT || token == WJB_END_ARRAY) {
      --depth;
    } else if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvNumeric) {
      if (is_long(value.val.numeric)) return too_much("metadata has a number of more than 350 digits");
    } else if (token == WJB_KEY) {
      if (++keys > most_keys) return too_much("metadata has more than 256 keys");
      const MetadataFlaw flaw = find_key_flaw({value.val.string.val, static_cast<size_t>(value.val.string.len)});
      if (flaw.message != nullptr) return flaw;
    }
  }
  return {};
}

Datum checked_metadata_body(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  Jsonb *const metadata = PG_GETARG_JSONB_P(0);
  const MetadataFlaw flaw = find_metadata_flaw(metadata);
  if (flaw.message != nullptr)
    ereport(ERROR, (errcode(flaw.sqlstate), errmsg("%s", flaw.message),
                    flaw.detail != nullptr ? errdetail("%s", flaw.detail) : 0,
                    flaw.hint != nullptr ? errhint("%s", flaw.hint) : 0));
  PG_RETURN_JSONB_P(metadata);
}

} // namespace

MetadataFlaw find_metadata_flaw(Jsonb *metadata) {
  if (!JB_ROOT_IS_OBJECT(metadata)) return invalid("metadata must be a JSON object");
  const Size size = VARSIZE(metadata);
  const Size limit = static_cast<Size>(settings().max_metadata_size) * 1024;
  if (size > limit)
    return {ERRCODE_PROGRAM_LIMIT_EXCEEDED, "metadata is too large",
            psprintf("It has %zu bytes, the limit is %zu.", size, limit),
            "Store a reference, or raise \"pg_live.max_metadata_size\"."};
  return find_content_flaw(metadata);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_checked_metadata);
extern PGDLLEXPORT Datum pg_live_checked_metadata(PG_FUNCTION_ARGS);

Datum pg_live_checked_metadata(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::checked_metadata_body>(fcinfo); }
}
