// Prints values by their base types.
#include "row_value.hpp"

#include "boundary.hpp"
#include "metadata.hpp"
#include "payload.hpp"
#include "settings.hpp"
#include "text/json.hpp"
#include "text_view.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "utils/array.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/typcache.h"
}

#include <array>
#include <string_view>

namespace pg_live {

namespace {

struct Format {
  const char *setting;
  const char *value;
};

constexpr std::array<Format, 7> formats = {
    {{"DateStyle", "ISO, MDY"},
     {"IntervalStyle", "postgres"},
     {"TimeZone", "UTC"},
     {"bytea_output", "hex"},
     {"extra_float_digits", "1"},
     {"lc_monetary", "C"},
     {"search_path", "pg_catalog, pg_temp"}}}; // names of functions and relations

Size size_limit() { return static_cast<Size>(settings().max_metadata_size) * 1024; }

// Whether the printed bytes are text in the encoding of this database and have a form in UTF-8.
bool is_text(std::string_view printed) {
  return pg_verify_mbstr(GetDatabaseEncoding(), printed.data(), static_cast<int>(printed.size()), true) &&
         has_utf8_form(printed);
}

// Does not read the value itself, which may be large and toasted.
bool is_too_large(Datum value, Oid base) {
  return get_typlen(base) == -1 && toast_raw_datum_size(value) > size_limit();
}

char *print(Datum value, Oid type) {
  Oid function = InvalidOid;
  bool is_variable = false;
  getTypeOutputInfo(type, &function, &is_variable);
  return OidOutputFunctionCall(function, value);
}

bool push_string(JsonbParseState **state, JsonbIteratorToken token, const char *string) {
  const std::string_view printed = string;
  if (printed.size() > size_limit() || !is_text(printed)) return false;
  JsonbValue value;
  value.type = jbvString;
  value.val.string.val = const_cast<char *>(printed.data());
  value.val.string.len = static_cast<int>(printed.size());
  pushJsonbValue(state, token, &value);
  return true;
}

// NaN and the infinities become strings, as in to_jsonb().
bool push_number(JsonbParseState **state, JsonbIteratorToken token, const char *printed) {
  const std::string_view digits = printed;
  if (digits.size() > longest_metadata_number) return false;
  const size_t first = digits.front() == '-' ? 1 : 0;
  if (first == digits.size() || digits[first] < '0' || digits[first] > '9') return push_string(state, token, printed);
  JsonbValue value;
  value.type = jbvNumeric;
  value.val.numeric = DatumGetNumeric(
      DirectFunctionCall3(numeric_in, CStringGetDatum(printed), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
  pushJsonbValue(state, token, &value);
  return true;
}

bool push_jsonb(JsonbParseState **state, JsonbIteratorToken token, Jsonb *document) {
  // Finds text without a form in UTF-8; the size is checked once all of the metadata is built.
  if (find_flaw(document, static_cast<Size>(largest_payload_setting) * 1024) != PayloadFlaw::none) return false;
  JsonbValue value;
  if (!JB_ROOT_IS_SCALAR(document) || !JsonbExtractScalar(&document->root, &value)) {
    value.type = jbvBinary;
    value.val.binary.data = &document->root;
    value.val.binary.len = static_cast<int>(VARSIZE(document) - VARHDRSZ);
  }
  pushJsonbValue(state, token, &value);
  return true;
}

// A value of type json may be invalid as jsonb: \u0000, and escapes of characters that the database's encoding may
// lack.
bool push_json(JsonbParseState **state, JsonbIteratorToken token, const text *document) {
  const std::string_view source = view(document);
  if (!json::parse(source, {.max_depth = deepest_metadata})) return false;
  if (GetDatabaseEncoding() != PG_UTF8 && source.find("\\u") != std::string_view::npos) return false;
  const char *const copy = pnstrdup(source.data(), source.size());
  return push_jsonb(state, token, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(copy))));
}

bool push_time(JsonbParseState **state, JsonbIteratorToken token, Datum value, Oid type) {
  std::array<char, MAXDATELEN + 1> buffer{};
  JsonEncodeDateTime(buffer.data(), value, type, nullptr);
  return push_string(state, token, pstrdup(buffer.data()));
}

struct ArrayElements {
  Oid type;
  Datum *values;
  bool *nulls;
};

// Pushes one dimension of an array and those within it. `next` is the index of the next element.
bool push_dimension(JsonbParseState **state, const ArrayElements &elements, const ArrayType *array, int dimension,
                    int *next, int levels) {
  if (levels == 0) return false;
  pushJsonbValue(state, WJB_BEGIN_ARRAY, nullptr);
  const int dimensions = ARR_NDIM(array);
  const int length = dimensions == 0 ? 0 : ARR_DIMS(array)[dimension];
  for (int index = 0; index < length; ++index) {
    if (dimension + 1 < dimensions) {
      if (!push_dimension(state, elements, array, dimension + 1, next, levels - 1)) return false;
      continue;
    }
    const NullableDatum element = {elements.values[*next], elements.nulls[*next]};
    ++*next;
    if (!push_value(state, WJB_ELEM, element, elements.type, levels - 1)) return false;
  }
  pushJsonbValue(state, WJB_END_ARRAY, nullptr);
  return true;
}

bool push_array(JsonbParseState **state, Datum value, Oid element_type, int levels) {
  ArrayType *const array = DatumGetArrayTypeP(value);
  constexpr Size entry = sizeof(JEntry); // of each jsonb element, even a null one, which takes one bit in an array
  if (static_cast<Size>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))) * entry > size_limit()) return false;
  int16 length = 0;
  bool by_value = false;
  char alignment = 0;
  get_typlenbyvalalign(element_type, &length, &by_value, &alignment);
  ArrayElements elements = {element_type, nullptr, nullptr};
  int count = 0;
  deconstruct_array(array, element_type, length, by_value, alignment, &elements.values, &elements.nulls, &count);
  int next = 0;
  return push_dimension(state, elements, array, 0, &next, levels);
}

bool push_composite(JsonbParseState **state, Datum value, int levels) {
  if (levels == 0) return false;
  HeapTupleHeader row = DatumGetHeapTupleHeader(value);
  TupleDesc description = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
  pushJsonbValue(state, WJB_BEGIN_OBJECT, nullptr);
  for (int index = 0; index < description->natts; ++index) {
    const Form_pg_attribute attribute = TupleDescAttr(description, index);
    if (attribute->attisdropped) continue;
    if (!push_string(state, WJB_KEY, NameStr(attribute->attname))) return false;
    NullableDatum field = {};
    field.value = GetAttributeByNum(row, static_cast<AttrNumber>(index + 1), &field.isnull);
    if (!push_value(state, WJB_VALUE, field, attribute->atttypid, levels - 1)) return false;
  }
  pushJsonbValue(state, WJB_END_OBJECT, nullptr);
  return true;
}

} // namespace

int pin_formats() {
  const int nest_level = NewGUCNestLevel();
  for (const Format &format : formats) {
    const char *const now = GetConfigOption(format.setting, false, false);
    if (strcmp(now, format.value) != 0)
      static_cast<void>(
          set_config_option(format.setting, format.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false));
  }
  return nest_level;
}

void restore_formats(int nest_level) { AtEOXact_GUC(true, nest_level); }

text *row_id(Datum key, Oid type) {
  const Oid base = getBaseType(type);
  if (base == BOOLOID) return cstring_to_text(DatumGetBool(key) ? "true" : "false");
  if (is_too_large(key, base)) return nullptr;
  const char *const printed = print(key, base);
  if (!is_text(printed)) return nullptr;
  size_t length = strlen(printed);
  while (base == BPCHAROID && length > 0 && printed[length - 1] == ' ')
    --length; // equality of that type ignores trailing spaces
  return cstring_to_text_with_len(printed, length);
}

bool push_value(JsonbParseState **state, JsonbIteratorToken token, NullableDatum value, Oid type, int levels) {
  JsonbValue scalar;
  scalar.type = jbvNull;
  if (value.isnull) {
    pushJsonbValue(state, token, &scalar);
    return true;
  }
  const Oid base = getBaseType(type);
  if (is_too_large(value.value, base)) return false;
  switch (base) {
  case BOOLOID:
    scalar.type = jbvBool;
    scalar.val.boolean = DatumGetBool(value.value);
    pushJsonbValue(state, token, &scalar);
    return true;
  case INT2OID:
  case INT4OID:
  case INT8OID:
  case FLOAT4OID:
  case FLOAT8OID:
  case NUMERICOID:
    return push_number(state, token, print(value.value, base));
  case DATEOID:
  case TIMESTAMPOID:
  case TIMESTAMPTZOID:
    return push_time(state, token, value.value, base);
  case JSONOID:
    return push_json(state, token, DatumGetTextPP(value.value));
  case JSONBOID:
    return push_jsonb(state, token, DatumGetJsonbP(value.value));
  default:
    if (const Oid element = get_element_type(base); OidIsValid(element))
      return push_array(state, value.value, element, levels);
    if (type_is_rowtype(base)) return push_composite(state, value.value, levels);
    return push_string(state, token, print(value.value, base));
  }
}

namespace {

Datum entity_id_body(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const int nest_level = pin_formats();
  text *const id = row_id(PG_GETARG_DATUM(0), get_fn_expr_argtype(fcinfo->flinfo, 0));
  restore_formats(nest_level);
  if (id == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(id);
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_entity_id);
extern PGDLLEXPORT Datum pg_live_entity_id(PG_FUNCTION_ARGS);

Datum pg_live_entity_id(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::entity_id_body>(fcinfo); }
}
