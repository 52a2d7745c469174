#include "merge/json_document.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t most_levels = 32;
constexpr std::size_t longest_name = 255;         // characters
constexpr std::size_t longest_stored_path = 2000; // bytes of all its names
// Assigning these to a JavaScript object changes its prototype or class instead of its data.
constexpr std::array<std::string_view, 3> poisonous_names = {"__proto__", "constructor", "prototype"};

bool is_control(char character) { return static_cast<unsigned char>(character) < 0x20 || character == 0x7f; }

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80; }

std::optional<JsonFault> fault_of_name(std::string_view name) {
  if (name.empty()) return JsonFault::empty_name;
  if (static_cast<std::size_t>(std::count_if(name.begin(), name.end(), begins_character)) > longest_name)
    return JsonFault::long_name;
  if (std::any_of(name.begin(), name.end(), is_control)) return JsonFault::control_character;
  if (std::find(poisonous_names.begin(), poisonous_names.end(), name) != poisonous_names.end())
    return JsonFault::poisonous_name;
  return std::nullopt;
}

std::string unescaped(std::string_view quoted) {
  std::string text;
  json::unescape({json::Kind::string, quoted}, text);
  return text;
}

// Where a value stands: how many levels are above it, and how many bytes the names of the path to it have. Names within
// an array are not stored as part of a path, and count all the same.
struct Position {
  std::size_t levels = 0;
  std::size_t bytes = 0;
};

std::optional<JsonFault> fault_of_value(json::Value value, Position at) {
  if (at.levels > most_levels) return JsonFault::too_deep;
  if (at.bytes > longest_stored_path) return JsonFault::long_path;
  for (const json::Value &element : json::elements(value))
    if (const auto fault = fault_of_value(element, {at.levels + 1, at.bytes})) return fault;
  for (const json::Member &member : json::members(value)) {
    const std::string name = unescaped(member.key);
    if (const auto fault = fault_of_name(name)) return fault;
    if (const auto fault = fault_of_value(member.value, {at.levels + 1, at.bytes + name.size()})) return fault;
  }
  return std::nullopt;
}

std::optional<JsonFault> read_path(json::Value array, JsonPath &path) {
  if (array.kind != json::Kind::array) return JsonFault::not_a_path;
  for (const json::Value &element : json::elements(array)) {
    if (path.size() == most_levels) return JsonFault::too_deep;
    if (element.kind != json::Kind::string) return JsonFault::not_a_path;
    path.push_back(unescaped(element.raw));
    if (const auto fault = fault_of_name(path.back())) return fault;
  }
  return std::nullopt;
}

bool has_members(json::Value value) {
  return value.kind == json::Kind::object && json::members(value).begin() != nullptr;
}

void append_leaves(std::vector<JsonLeaf> &leaves, JsonPath &path, json::Value value) {
  if (!has_members(value)) {
    leaves.push_back({path, value.raw});
    return;
  }
  for (const json::Member &member : json::members(value)) {
    path.push_back(unescaped(member.key));
    append_leaves(leaves, path, member.value);
    path.pop_back();
  }
}

} // namespace

std::string_view message(JsonFault fault) {
  switch (fault) {
  case JsonFault::not_an_operation:
    return "an operation of a json session must be an object with \"path\" and perhaps \"value\"";
  case JsonFault::not_a_path:
    return "a path must be an array of strings";
  case JsonFault::not_a_document:
    return "a document must be a JSON object";
  case JsonFault::empty_name:
    return "a name in a document must not be empty";
  case JsonFault::long_name:
    return "a name in a document must have at most 255 characters";
  case JsonFault::control_character:
    return "a name in a document must not have control characters";
  case JsonFault::poisonous_name:
    return "a document must not have the names \"__proto__\", \"constructor\" and \"prototype\"";
  case JsonFault::too_deep:
    return "a document must not be nested more than 32 levels deep";
  case JsonFault::long_path:
    return "the names of a path in a document must have at most 2000 bytes together";
  }
  return "unknown fault";
}

bool is_limit(JsonFault fault) { return fault == JsonFault::too_deep || fault == JsonFault::long_path; }

JsonOperation::Result JsonOperation::parse(std::string_view text) {
  json::Error error;
  const auto object = json::parse(text, {.max_depth = json::max_supported_depth}, &error);
  if (!object && error.message == json::depth_message) return JsonFault::too_deep;
  if (!object || object->kind != json::Kind::object) return JsonFault::not_an_operation;
  const auto path = json::member(*object, "path");
  JsonOperation operation{{}, json::member(*object, "value")};
  std::size_t count = 0;
  for ([[maybe_unused]] const json::Member &member : json::members(*object))
    ++count;
  if (!path || count != (operation.value ? 2u : 1u)) return JsonFault::not_an_operation;
  if (const auto fault = read_path(*path, operation.path)) return *fault;
  if (operation.path.empty() && operation.value && operation.value->kind != json::Kind::object)
    return JsonFault::not_a_document;
  Position at{operation.path.size()};
  for (const std::string &name : operation.path)
    at.bytes += name.size();
  if (const auto fault = fault_of_value(operation.value.value_or(json::Value{}), at)) return *fault;
  return operation;
}

std::vector<JsonLeaf> leaves(const JsonOperation &operation) {
  std::vector<JsonLeaf> result;
  if (!operation.value || (operation.path.empty() && !has_members(*operation.value))) return result;
  JsonPath path = operation.path;
  append_leaves(result, path, *operation.value);
  return result;
}

JsonDocument::Node JsonDocument::node_of(json::Value value) {
  Node node;
  if (value.kind != json::Kind::object) node.leaf = value.raw;
  for (const json::Member &member : json::members(value))
    node.members.insert_or_assign(unescaped(member.key), node_of(member.value));
  return node;
}

void JsonDocument::apply(const JsonOperation &operation) {
  if (!operation.value) {
    erase(operation.path);
    return;
  }
  Node *node = &root_;
  for (const std::string &name : operation.path) {
    node->leaf.clear();
    node = &node->members[name];
  }
  *node = node_of(*operation.value);
}

void JsonDocument::erase(const JsonPath &path) {
  Node *parent = nullptr;
  Node *node = &root_;
  for (const std::string &name : path) {
    const auto member = node->members.find(name);
    if (member == node->members.end()) return;
    parent = std::exchange(node, &member->second);
  }
  if (parent == nullptr)
    root_ = Node();
  else
    parent->members.erase(path.back());
}

void JsonDocument::append(std::string &json, const Node &node) {
  if (!node.leaf.empty()) {
    json += node.leaf;
    return;
  }
  json += '{';
  for (const auto &[name, member] : node.members) {
    if (json.back() != '{') json += ',';
    json::append_quoted(json, name);
    json += ':';
    append(json, member);
  }
  json += '}';
}

std::string JsonDocument::to_json() const {
  std::string json;
  append(json, root_);
  return json;
}

} // namespace pg_live
