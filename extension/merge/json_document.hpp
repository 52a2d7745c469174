// Documents of json sessions, and the operations that change them.
//
// A document is an object. An operation sets the value at a path of member names, or deletes it; a list is a value as a
// whole. What an operation does depends on nothing but the document, so clients that apply the log in its order have
// the same document:
// - The empty path is the document itself: a value must be an object, and deleting leaves {}.
// - Setting makes an object of each value on the way to the path that is missing or is none.
// - Deleting does nothing where the way to the path is missing or leads through another value than an object.
#pragma once

#include "text/json.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

enum class JsonFault : unsigned char {
  not_an_operation,
  not_a_path,
  not_a_document,
  empty_name,
  long_name,
  control_character,
  poisonous_name,
  too_deep,
  long_path,
};

// The text of a fault, in lower case, for an error message.
std::string_view message(JsonFault fault);

// Whether a fault is a limit that was exceeded, and not a value of the wrong form.
bool is_limit(JsonFault fault);

using JsonPath = std::vector<std::string>;

// A value is a view of the text that was parsed.
struct JsonOperation {
  JsonPath path;
  std::optional<json::Value> value; // none: deletes

  using Result = std::variant<JsonOperation, JsonFault>;

  // Accepts {"path": [names], "value": …} and nothing besides. A path that is stored is at most 32 names and 2000 bytes
  // long, so an index can hold it; a value in it is no deeper than 32 levels, counted from the document.
  static Result parse(std::string_view text);
};

// What a document has at a path where it has no further members: no object, or an empty one.
struct JsonLeaf {
  JsonPath path;
  std::string_view value;
};

// The leaves that setting a value stores; none for an operation that deletes, and for {} at the empty path.
std::vector<JsonLeaf> leaves(const JsonOperation &operation);

class JsonDocument {
 public:
  void apply(const JsonOperation &operation);
  std::string to_json() const;

 private:
  struct Node {
    std::string leaf; // JSON text; empty for an object
    std::map<std::string, Node> members;
  };

  static Node node_of(json::Value value);
  static void append(std::string &json, const Node &node);
  void erase(const JsonPath &path);

  Node root_;
};

} // namespace pg_live
