// Documents of json sessions: what an operation is, what it does, and the leaves that are stored.
// test/pgtap/json_session.sql compares the stored documents.
#include "merge/json_document.hpp"

#include <gtest/gtest.h>

namespace pg_live {

namespace {

JsonOperation operation_of(std::string_view text) {
  JsonOperation::Result result = JsonOperation::parse(text);
  EXPECT_TRUE(std::holds_alternative<JsonOperation>(result)) << text;
  return std::get<JsonOperation>(result);
}

std::optional<JsonFault> operation_fault(std::string_view text) {
  const JsonOperation::Result result = JsonOperation::parse(text);
  const auto *fault = std::get_if<JsonFault>(&result);
  return fault == nullptr ? std::nullopt : std::optional(*fault);
}

std::string after(std::initializer_list<std::string_view> operations) {
  JsonDocument document;
  for (const std::string_view text : operations)
    document.apply(operation_of(text));
  return document.to_json();
}

std::string nested(std::string_view opening, std::string_view closing, int levels) {
  std::string text;
  for (int level = 0; level < levels; ++level)
    text += opening;
  text += '1';
  for (int level = 0; level < levels; ++level)
    text += closing;
  return text;
}

TEST(JsonDocument, IsAnEmptyObjectAtFirst) { EXPECT_EQ(after({}), "{}"); }

TEST(JsonDocument, TheLastOperationWinsAPath) {
  EXPECT_EQ(after({R"({"path":["a"],"value":1})", R"({"path":["b"],"value":2})", R"({"path":["a"],"value":[3]})"}),
            R"({"a":[3],"b":2})");
}

TEST(JsonDocument, SettingMakesObjectsOnTheWay) {
  EXPECT_EQ(after({R"({"path":["a"],"value":[1]})", R"({"path":["a","b","c"],"value":{}})"}),
            R"({"a":{"b":{"c":{}}}})");
}

TEST(JsonDocument, DeletingLeavesTheObject) {
  EXPECT_EQ(after({R"({"path":["a","b"],"value":1})", R"({"path":["a","b"]})"}), R"({"a":{}})");
}

TEST(JsonDocument, DeletingDoesNothingWhereTheWayIsMissing) {
  EXPECT_EQ(after({R"({"path":["a"],"value":1})", R"({"path":["a","b"]})", R"({"path":["x","y"]})"}), R"({"a":1})");
}

TEST(JsonDocument, TheEmptyPathIsTheDocument) {
  EXPECT_EQ(after({R"({"path":["a"],"value":1})", R"({"path":[],"value":{"b":{"c":2}}})"}), R"({"b":{"c":2}})");
  EXPECT_EQ(after({R"({"path":["a"],"value":1})", R"({"path":[]})"}), "{}");
}

TEST(JsonDocument, NamesAreDecoded) {
  EXPECT_EQ(after({R"({"path":["\u0061\"","\ud83d\udc4d"],"value":1})"}), "{\"a\\\"\":{\"\xF0\x9F\x91\x8D\":1}}");
}

TEST(JsonOperation, HasAPathAndPerhapsAValue) {
  for (const std::string_view text :
       {"", "[]", "5", R"({"path":["a"],"more":1})", R"({"value":1})", R"({"path":["a"],"path":["b"]})"})
    EXPECT_EQ(operation_fault(text), JsonFault::not_an_operation) << text;
  for (const std::string_view text : {R"({"path":"a"})", R"({"path":[1]})", R"({"path":[["a"]]})"})
    EXPECT_EQ(operation_fault(text), JsonFault::not_a_path) << text;
  EXPECT_EQ(operation_fault(R"({"path":[],"value":[]})"), JsonFault::not_a_document);
}

TEST(JsonOperation, RefusesNamesWithinArraysToo) {
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":[{"__proto__":1}]})"), JsonFault::poisonous_name);
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":[[{"":1}]]})"), JsonFault::empty_name);
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":[{"\t":1}]})"), JsonFault::control_character);
}

TEST(JsonOperation, IsAsDeepAsADocumentMayBe) {
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":)" + nested("[", "]", 31) + "}"), std::nullopt);
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":)" + nested("[", "]", 32) + "}"), JsonFault::too_deep);
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":)" + nested("[", "]", 100'000) + "}"), JsonFault::too_deep);
  EXPECT_EQ(operation_fault(R"({"path":["a"],"value":)" + nested(R"({"b":)", "}", 32) + "}"), JsonFault::too_deep);
}

TEST(JsonOperation, StoresWhatHasNoMembers) {
  std::string stored;
  const JsonOperation operation = operation_of(R"({"path":["a"],"value":{"b":{"c":1,"d":{}},"e":[{"f":1}]}})");
  for (const JsonLeaf &leaf : leaves(operation)) {
    for (const std::string &name : leaf.path)
      stored += name + '/';
    stored += std::string(leaf.value) + ' ';
  }
  EXPECT_EQ(stored, R"(a/b/c/1 a/b/d/{} a/e/[{"f":1}] )");
  EXPECT_TRUE(leaves(operation_of(R"({"path":[],"value":{}})")).empty());
  EXPECT_TRUE(leaves(operation_of(R"({"path":["a"]})")).empty());
}

} // namespace

} // namespace pg_live
