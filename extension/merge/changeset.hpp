// Change sets of CodeMirror: how one text becomes another, as the sections of a text that are kept or replaced, from
// its start to its end. They are transformed as CodeMirror transforms them, so that the database and its editors arrive
// at one text.
//
// Lengths are counted in UTF-16 units, as in the browser; texts are UTF-8 and their lines end with \n.
//
// Invariants: adjacent sections that CodeMirror would join are one, and none is empty; neither text is longer than
// max_length; what is inserted is well-formed UTF-8 without NUL and without carriage returns.
#pragma once

#include "text/json.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

enum class ChangeSetError : unsigned char {
  invalid_json,
  null_character,
  lone_surrogate,
  not_an_array,
  invalid_section,
  invalid_length,
  invalid_line,
  line_break,
  too_long,
  wrong_length,
  divided_character,
  carriage_return,
};

// In lower case without a period, as messages of PostgreSQL are.
std::string_view message(ChangeSetError error);

// Which of two change sets comes first where both insert at one place.
enum class Precedence : unsigned char { other_first, this_first };

class ChangeSet {
 public:
  // More characters than PostgreSQL stores in one text. Lengths of this size add up and fit their types.
  static constexpr std::size_t max_length = (std::size_t{1} << 30) - 1;

  struct Section {
    enum class Kind : unsigned char { keep, replace };

    Kind kind = Kind::keep;
    std::uint32_t length = 0;          // of the text before
    std::uint32_t inserted_length = 0; // 0 for a section that is kept or deleted
    std::uint32_t text_offset = 0;     // of the inserted text within all that is inserted, in bytes
    std::uint32_t text_size = 0;

    std::size_t length_after() const { return kind == Kind::keep ? length : inserted_length; }
    friend bool operator==(const Section &, const Section &) = default;
  };

  using Result = std::variant<ChangeSet, ChangeSetError>;

  // Reads `[3,[1,"ab","c"],4]`: keep 3, replace 1 by the lines "ab" and "c", keep 4. The first takes JSON text, the
  // second a value that json::parse() has accepted. Empty sections are left out and adjacent ones joined, which changes
  // no result of map() and compose(). CodeMirror's ChangeSet.fromJSON refuses less: it reads negative lengths, and
  // lines with line breaks in them, which count otherwise in an editor that has loaded the same text.
  static Result parse(std::string_view text);
  static Result parse(json::Value value);

  // Appends a section. False, and nothing is changed, when a text would become longer than max_length.
  // `text` is well-formed UTF-8 without NUL and carriage returns.
  [[nodiscard]] bool keep(std::size_t length);
  [[nodiscard]] bool replace(std::size_t length, std::string_view text);

  std::size_t length_before() const { return length_before_; }
  std::size_t length_after() const { return length_after_; }
  std::span<const Section> sections() const { return sections_; }
  std::string_view inserted_text(const Section &section) const;

  // Whether the text stays as it is: nothing is deleted and nothing inserted.
  bool is_empty() const;

  // In the form of CodeMirror's ChangeSet.toJSON.
  std::string to_json() const;

  // The text after the changes. The document is well-formed UTF-8.
  std::variant<std::string, ChangeSetError> apply(std::string_view document) const;

  // The change set that leads back, given the text before the changes.
  Result invert(std::string_view document) const;

  // This change set and then `next`, which begins with the text that this one ends with, as one.
  Result compose(const ChangeSet &next) const;

  // This change set as it is after `other`, which begins with the same text. a and then b.map(a, other_first) leads to
  // the same text as b and then a.map(b, this_first).
  Result map(const ChangeSet &other, Precedence precedence) const;

  friend bool operator==(const ChangeSet &, const ChangeSet &) = default;

 private:
  enum class Join : unsigned char { if_alike, always };

  bool has_room(std::size_t length_before, std::size_t length_after) const;
  void add_kept(std::size_t length);
  void add_replaced(std::size_t length, std::string_view text, std::size_t text_length, Join join = Join::if_alike);
  void add(const Section &section, Join join);

  std::vector<Section> sections_;
  std::string text_; // what the sections insert, in their order
  std::uint32_t length_before_ = 0;
  std::uint32_t length_after_ = 0;
};

} // namespace pg_live
