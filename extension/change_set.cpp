// Reads change sets from the arguments of SQL functions, see change_set.hpp.
#include "change_set.hpp"

#include "boundary.hpp"

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

void for_each_change_set(FunctionCallInfo fcinfo, int argument, const std::function<void(const ChangeSet &)> &use) {
  for_each_operation(fcinfo, argument,
                     [&use](std::string_view operation) { use(checked(ChangeSet::parse(operation))); });
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
