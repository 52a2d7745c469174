// Reads operations from the arguments of SQL functions, see operation_value.hpp.
#include "operation_value.hpp"

#include "boundary.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg_live {

void require_utf8() {
  if (GetDatabaseEncoding() != PG_UTF8)
    throw SqlError{ERRCODE_FEATURE_NOT_SUPPORTED, "text and json sessions need a database with the encoding UTF8"};
}

std::string_view json_text(Jsonb *value) {
  return call([=] {
    StringInfo const text = makeStringInfo();
    JsonbToCString(text, &value->root, static_cast<int>(VARSIZE(value)));
    return std::string_view{text->data, static_cast<size_t>(text->len)};
  });
}

void for_each_operation(FunctionCallInfo fcinfo, int argument, const std::function<void(std::string_view)> &use) {
  struct Operations {
    Datum *values;
    int count;
  };
  const Operations operations = call([=] {
    Operations result{};
    bool *nulls = nullptr;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), JSONBOID, -1, false, TYPALIGN_INT, &result.values, &nulls,
                      &result.count);
    for (int place = 0; place < result.count; ++place)
      if (nulls[place])
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an operation must not be null")));
    return result;
  });
  for (int place = 0; place < operations.count; ++place) {
    const Datum operation = operations.values[place];
    use(json_text(call([=] {
      CHECK_FOR_INTERRUPTS();
      return DatumGetJsonbP(operation);
    })));
  }
}

} // namespace pg_live
