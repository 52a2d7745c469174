// Two change sets, a line each, and the document they change: whatever is read can be written and read again, and its
// effect on the document is the same by every way.
#include "merge/changeset.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "fuzz.hpp"
#include "text/utf16.hpp"
#include "text/utf8.hpp"

using namespace pg_live;
using fuzz::require;

namespace {

constexpr std::size_t kMaxDocumentLength = 10'000;

template <typename Value>
Value value_of(const std::variant<Value, ChangeSetError> &result) {
  require(std::holds_alternative<Value>(result));
  return std::get<Value>(result);
}

std::string_view take_line(std::string_view &text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

std::optional<ChangeSet> read(std::string_view json) {
  const ChangeSet::Result result = ChangeSet::parse(json);
  if (const auto *error = std::get_if<ChangeSetError>(&result)) {
    require(!message(*error).empty());
    return std::nullopt;
  }
  const ChangeSet &changes = std::get<ChangeSet>(result);
  require(value_of(ChangeSet::parse(changes.to_json())) == changes);
  std::size_t before = 0;
  std::size_t after = 0;
  for (const ChangeSet::Section &section : changes.sections()) {
    before += section.length;
    after += section.length_after();
    require(utf16_length(changes.inserted_text(section)) == section.inserted_length);
  }
  require(before == changes.length_before() && after == changes.length_after() && before <= ChangeSet::max_length);
  return changes;
}

// The document, cut or filled up to that length.
std::string with_length(std::string_view document, std::size_t length) {
  std::size_t size = 0;
  std::size_t units = 0;
  while (size < document.size()) {
    const std::size_t sequence = utf8_sequence_length(document.substr(size));
    const std::size_t more = sequence == 4 ? 2 : 1;
    if (sequence == 0 || document[size] == '\r' || units + more > length) break;
    size += sequence;
    units += more;
  }
  return std::string(document.substr(0, size)).append(length - units, 'x');
}

void check_effects(const ChangeSet &a, const ChangeSet &b, const std::string &document) {
  const auto after_a = a.apply(document);
  const auto after_b = b.apply(document);
  if (after_a.index() != 0 || after_b.index() != 0) return; // one of them divides a character
  const std::string &text_a = std::get<std::string>(after_a);
  require(is_utf8(text_a) && utf16_length(text_a) == a.length_after());
  const ChangeSet b_after_a = value_of(b.map(a, Precedence::other_first));
  const ChangeSet a_after_b = value_of(a.map(b, Precedence::this_first));
  const std::string both = value_of(b_after_a.apply(text_a));
  require(value_of(a_after_b.apply(std::get<std::string>(after_b))) == both);
  require(value_of(value_of(a.compose(b_after_a)).apply(document)) == both);
  const ChangeSet inverse = value_of(a.invert(document));
  require(value_of(inverse.apply(text_a)) == document && value_of(inverse.invert(text_a)) == a);
  require(value_of(value_of(a.compose(inverse)).apply(document)) == document);
}

} // namespace

extern "C" int fuzz_changeset(const unsigned char *data, std::size_t size) {
  std::string_view text = fuzz::view(data, size);
  const std::optional<ChangeSet> first = read(take_line(text));
  std::optional<ChangeSet> second = read(take_line(text));
  if (!first || !second) return 0;
  if (first->length_before() != second->length_before()) {
    require(std::get<ChangeSetError>(first->map(*second, Precedence::this_first)) == ChangeSetError::wrong_length);
    if (first->length_before() < second->length_before()) return 0;
    if (!second->keep(first->length_before() - second->length_before())) return 0;
  }
  const ChangeSet::Result mapped = second->map(*first, Precedence::other_first);
  if (const auto *error = std::get_if<ChangeSetError>(&mapped))
    require(*error == ChangeSetError::too_long);
  else
    require(value_of(first->compose(std::get<ChangeSet>(mapped))).length_before() == first->length_before());
  if (first->length_before() <= kMaxDocumentLength)
    check_effects(*first, *second, with_length(text, first->length_before()));
  return 0;
}
