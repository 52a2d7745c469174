// An operation of a json session: what is read as one makes a document that can be read again, and its leaves, set one
// after the other, make the same document.
#include "merge/json_document.hpp"

#include "fuzz.hpp"
#include "text/json_writer.hpp"

using namespace pg_live;
using fuzz::require;

namespace {

std::string operation_text(const JsonLeaf &leaf) {
  std::string path = "[";
  for (const std::string &name : leaf.path)
    json::append_element(path, name);
  return R"({"path":)" + path + R"(],"value":)" + std::string(leaf.value) + "}";
}

void apply_text(JsonDocument &document, std::string_view text) {
  const auto result = JsonOperation::parse(text);
  require(std::holds_alternative<JsonOperation>(result));
  document.apply(std::get<JsonOperation>(result));
}

} // namespace

extern "C" int fuzz_json_operation(const unsigned char *data, std::size_t size) {
  const auto result = JsonOperation::parse(fuzz::view(data, size));
  if (const auto *fault = std::get_if<JsonFault>(&result)) {
    require(!message(*fault).empty());
    return 0;
  }
  const auto &operation = std::get<JsonOperation>(result);
  JsonDocument document;
  document.apply(operation);
  JsonDocument by_leaves;
  for (const JsonLeaf &leaf : leaves(operation))
    apply_text(by_leaves, operation_text(leaf));
  require(document.to_json() == by_leaves.to_json());
  JsonDocument reread;
  apply_text(reread, R"({"path":[],"value":)" + document.to_json() + "}");
  require(reread.to_json() == document.to_json());
  return 0;
}
