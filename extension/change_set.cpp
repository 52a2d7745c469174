// Reads change sets from the arguments of SQL functions, see change_set.hpp.
#include "change_set.hpp"

#include "boundary.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg_live {

void refuse(ChangeSetError error) {
  throw SqlError{
      ERRCODE_INVALID_PARAMETER_VALUE, message(error).data(),
      "An operation of a text session is a change set of CodeMirror as its JSON, made for the base version."};
}

ChangeSet checked(ChangeSet::Result result) {
  if (const auto *error = std::get_if<ChangeSetError>(&result)) refuse(*error);
  return std::get<ChangeSet>(std::move(result));
}

void check(std::optional<ChangeSetError> error) {
  if (error) refuse(*error);
}

void require_utf8() {
  if (GetDatabaseEncoding() != PG_UTF8)
    throw SqlError{ERRCODE_FEATURE_NOT_SUPPORTED, "text sessions need a database with the encoding UTF8"};
}

std::string_view json_text(Jsonb *value) {
  return call([=] {
    StringInfo const text = makeStringInfo();
    JsonbToCString(text, &value->root, static_cast<int>(VARSIZE(value)));
    return std::string_view{text->data, static_cast<size_t>(text->len)};
  });
}

void for_each_change_set(FunctionCallInfo fcinfo, int argument, const std::function<void(const ChangeSet &)> &use) {
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
      if (nulls[place]) elog(ERROR, "an operation must not be null");
    return result;
  });
  for (int place = 0; place < operations.count; ++place) {
    const Datum operation = operations.values[place];
    use(checked(ChangeSet::parse(json_text(call([=] { return DatumGetJsonbP(operation); })))));
  }
}

Document document_of(std::string_view text) {
  Document document(std::span<const Document::StoredPiece>{}, nullptr);
  ChangeSet whole;
  if (!whole.replace(0, text)) refuse(ChangeSetError::too_long);
  check(document.apply(whole));
  return document;
}

std::string text_of(Document &document) {
  std::string text;
  for (const Document::Write &write : document.finish())
    text += write.text;
  return text;
}

} // namespace pg_live
