// Answers questions about change sets, so that a test in JavaScript can ask the same of CodeMirror.
//
// Reads a line {"doc", "a", "b", "c"} and writes a line with what became of it, until its input ends: a and b change
// doc, c changes what a leads to. What cannot be done is the text of an error.
#include <iostream>
#include <optional>
#include <string>
#include <variant>

#include "merge/changeset.hpp"
#include "text/json.hpp"
#include "text/json_writer.hpp"

using namespace pg_live;

namespace {

class Answer {
 public:
  void add(std::string_view name, const std::variant<std::string, ChangeSetError> &text) {
    if (const auto *done = std::get_if<std::string>(&text))
      json::append_member(object_, name, *done);
    else
      add_error(name, std::get<ChangeSetError>(text));
  }

  // Also what the changes make of the document, under another name.
  void add(std::string_view name, const ChangeSet::Result &changes, std::string_view document = {},
           std::string_view document_name = {}) {
    const auto *done = std::get_if<ChangeSet>(&changes);
    if (done == nullptr) return add_error(name, std::get<ChangeSetError>(changes));
    json::append_raw_member(object_, name, done->to_json());
    if (!document_name.empty()) add(document_name, done->apply(document));
  }

  std::string text() const { return object_ + '}'; }

 private:
  void add_error(std::string_view name, ChangeSetError error) { json::append_member(object_, name, message(error)); }

  std::string object_ = "{";
};

std::string answer(json::Value question) {
  std::string document;
  json::unescape(json::member(question, "doc").value_or(json::Value{}), document);
  const auto changes = [&question](std::string_view name) {
    return ChangeSet::parse(json::member(question, name).value_or(json::Value{}));
  };
  const ChangeSet::Result a = changes("a");
  const ChangeSet::Result b = changes("b");
  const ChangeSet::Result c = changes("c");
  Answer result;
  result.add("a", a, document, "doc_a");
  result.add("b", b, document, "doc_b");
  const auto *first = std::get_if<ChangeSet>(&a);
  const auto *second = std::get_if<ChangeSet>(&b);
  const auto *next = std::get_if<ChangeSet>(&c);
  if (first == nullptr || second == nullptr || next == nullptr) return result.text();
  const auto document_a = first->apply(document);
  const auto document_b = second->apply(document);
  if (document_a.index() != 0 || document_b.index() != 0) return result.text();
  result.add("a_map_b", first->map(*second, Precedence::other_first), std::get<std::string>(document_b), "doc_ab");
  result.add("b_map_a_before", second->map(*first, Precedence::this_first), std::get<std::string>(document_a),
             "doc_ba");
  result.add("a_compose_c", first->compose(*next), document, "doc_ac");
  result.add("a_invert", first->invert(document), std::get<std::string>(document_a), "doc_again");
  return result.text();
}

} // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::optional<json::Value> question = json::parse(line);
    std::cout << (question ? answer(*question) : "{}") << '\n';
  }
}
