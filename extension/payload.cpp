// Computes the printed size of payloads without printing them, since every writer runs this code, and a few bytes as
// stored may be a hundred thousand as text.
#include "payload.hpp"

#include "boundary.hpp"
#include "text_view.hpp"

extern "C" {
#include "access/detoast.h"
#include "catalog/namespace.h"
}

namespace pg_live {

namespace {

// The most bytes that one stored byte prints: a number of 16 bytes with its entry has up to 131,072 digits before the
// point and 16,383 after it.
constexpr Size most_printed_a_byte = (131072 + 16383 + 2) / 16 + 1;

// The least that a level of nesting takes as stored.
constexpr Size bytes_a_level = 8;

// Whether a payload is too small to exceed the limits of depth and printed size.
bool is_small(Size stored, Size limit) {
  return stored <= deepest_payload * bytes_a_level && stored * most_printed_a_byte <= limit;
}

Size decimal_digits(int16 digit) { return digit >= 1000 ? 4 : digit >= 100 ? 3 : digit >= 10 ? 2 : 1; }

// The length of what numeric_out() prints. A numeric is defined in numeric.c; as the format on disk it does not change.
Size printed_size(Numeric number) {
  const char *const header = VARDATA(number);
  uint16 first = 0;
  memcpy(&first, header, sizeof first);
  const bool is_short = (first & 0xC000) == 0x8000;
  bool is_negative = (first & 0xC000) == 0x4000;
  Size scale = first & 0x3FFF;
  int16 weight = 0; // digits before the point, in groups of four, less one
  if (is_short) {
    is_negative = (first & 0x2000) != 0;
    scale = (first & 0x1F80) >> 7;
    weight = static_cast<int16>((first & 0x3F) | ((first & 0x40) != 0 ? ~0x3F : 0));
  } else {
    memcpy(&weight, header + sizeof first, sizeof weight);
  }
  const Size header_size = is_short ? sizeof first : sizeof first + sizeof weight;
  int16 digits = 0; // the first four; none is stored of zero
  if (VARSIZE(number) > VARHDRSZ + header_size) memcpy(&digits, header + header_size, sizeof digits);
  const Size before_point = weight < 0 || digits == 0 ? 1 : decimal_digits(digits) + 4 * static_cast<Size>(weight);
  return (is_negative ? 1 : 0) + before_point + (scale > 0 ? 1 + scale : 0);
}

Size printed_size(std::string_view text) {
  Size size = 2 + text.size();
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool short_escape = byte == '"' || byte == '\\' || (byte >= '\b' && byte <= '\r' && byte != '\v');
    size += short_escape ? 1 : byte < 0x20 ? 5 : 0;
  }
  return size;
}

std::string_view text_of(const JsonbValue &value) {
  return {value.val.string.val, static_cast<size_t>(value.val.string.len)};
}

Size printed_size(const JsonbValue &value) {
  switch (value.type) {
  case jbvString:
    return printed_size(text_of(value));
  case jbvNumeric:
    return printed_size(value.val.numeric);
  case jbvBool:
    return value.val.boolean ? 4 : 5;
  default:
    return 4; // null
  }
}

constexpr Size separator = 2; // ", " and ": "

// What a token of an iterator adds to the text; that of a container adds the brackets and all separators.
Size printed_size(JsonbIteratorToken token, const JsonbValue &value) {
  switch (token) {
  case WJB_BEGIN_ARRAY:
    if (value.val.array.rawScalar) return 0;
    return 2 + separator * static_cast<Size>(Max(value.val.array.nElems - 1, 0));
  case WJB_BEGIN_OBJECT:
    return 2 + separator * static_cast<Size>(Max(2 * value.val.object.nPairs - 1, 0));
  case WJB_KEY:
  case WJB_VALUE:
  case WJB_ELEM:
    return printed_size(value);
  default:
    return 0;
  }
}

Datum is_sendable_body(FunctionCallInfo fcinfo) {
  PG_RETURN_BOOL(has_utf8_form(view(PG_GETARG_TEXT_PP(0))) && has_utf8_form(view(PG_GETARG_TEXT_PP(1))) &&
                 is_sendable_payload(PG_GETARG_DATUM(2)));
}

Datum printed_size_body(FunctionCallInfo fcinfo) {
  Jsonb *const json = PG_GETARG_JSONB_P(0);
  JsonbIterator *iterator = JsonbIteratorInit(&json->root);
  JsonbValue value;
  Size size = 0;
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;)
    size += printed_size(token, value);
  PG_RETURN_INT64(static_cast<int64>(size));
}

} // namespace

bool is_sendable_payload(Datum payload) {
  // Almost all payloads are small enough to need neither detoasting nor a walk.
  constexpr Size limit = static_cast<Size>(largest_payload_setting) * 1024;
  const Size stored = toast_raw_datum_size(payload);
  if (stored * most_printed_a_byte <= limit && GetDatabaseEncoding() == PG_UTF8) return true;
  return find_flaw(DatumGetJsonbP(payload), limit) == PayloadFlaw::none;
}

PayloadFlaw find_flaw(Jsonb *payload, Size limit) {
  const bool any_text_is_sendable = GetDatabaseEncoding() == PG_UTF8;
  if (any_text_is_sendable && is_small(VARSIZE(payload), limit)) return PayloadFlaw::none;
  JsonbIterator *iterator = JsonbIteratorInit(&payload->root);
  JsonbValue value;
  int depth = 0;
  Size size = 0;
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;) {
    size += printed_size(token, value);
    if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT) {
      if (++depth > deepest_payload) return PayloadFlaw::depth;
    } else if (token == WJB_END_ARRAY || token == WJB_END_OBJECT) {
      --depth;
    } else if (!any_text_is_sendable && value.type == jbvString && !has_utf8_form(text_of(value))) {
      return PayloadFlaw::text;
    }
    if (size > limit) return PayloadFlaw::printed_size;
  }
  return PayloadFlaw::none;
}

bool has_utf8_form(std::string_view text) {
  const int encoding = GetDatabaseEncoding();
  const auto *const bytes = reinterpret_cast<const unsigned char *>(text.data());
  const int length = static_cast<int>(text.size());
  if (encoding == PG_UTF8) return true;
  if (encoding == PG_SQL_ASCII) return pg_verify_mbstr(PG_UTF8, text.data(), length, true);
  static constinit Oid conversion = InvalidOid; // kept: the encoding of the database does not change
  if (!OidIsValid(conversion)) conversion = FindDefaultConversionProc(encoding, PG_UTF8);
  // Without a conversion, the server sends the bytes unchanged.
  if (!OidIsValid(conversion)) return pg_verify_mbstr(PG_UTF8, text.data(), length, true);
  const Size room = text.size() * MAX_CONVERSION_GROWTH + 2;
  auto *const converted = static_cast<unsigned char *>(palloc_extended(room, MCXT_ALLOC_HUGE));
  const int done =
      pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, const_cast<unsigned char *>(bytes), length,
                                    converted, static_cast<int>(Min(room, static_cast<Size>(PG_INT32_MAX))), true);
  pfree(converted);
  return done == length;
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_is_sendable);
PG_FUNCTION_INFO_V1(pg_live_printed_size);
extern PGDLLEXPORT Datum pg_live_is_sendable(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_printed_size(PG_FUNCTION_ARGS);

Datum pg_live_is_sendable(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_sendable_body>(fcinfo); }
Datum pg_live_printed_size(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::printed_size_body>(fcinfo); }
}
