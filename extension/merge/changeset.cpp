// Building, reading and writing change sets, see changeset.hpp.
#include "merge/changeset.hpp"

#include <cassert>
#include <optional>

#include "text/utf16.hpp"

namespace pg_live {

namespace {

ChangeSetError change_set_error(const json::Error &error) {
  if (error.message == json::nul_message) return ChangeSetError::null_character;
  if (error.message == json::lone_surrogate_message) return ChangeSetError::lone_surrogate;
  if (error.message == json::depth_message) return ChangeSetError::invalid_section;
  return ChangeSetError::invalid_json;
}

// A length in JSON; sets `error` when it is none.
std::optional<std::size_t> read_section_length(json::Value value, ChangeSetError &error) {
  if (value.kind != json::Kind::number) {
    error = ChangeSetError::invalid_section;
    return std::nullopt;
  }
  const std::optional<std::int64_t> length = json::to_int64(value);
  if (!length || *length < 0) {
    const bool is_huge = value.raw.find_first_not_of("0123456789") == std::string_view::npos;
    error = is_huge ? ChangeSetError::too_long : ChangeSetError::invalid_length;
    return std::nullopt;
  }
  return static_cast<std::size_t>(*length);
}

// Reads the elements of `[length, line, line...]`: returns the length and sets `text` to the lines joined.
std::optional<std::size_t> read_replacement(json::Value section, std::string &text, ChangeSetError &error) {
  std::optional<std::size_t> length;
  std::string line;
  bool is_first_line = true;
  text.clear();
  for (const json::Value &element : json::elements(section)) {
    if (!length) {
      length = read_section_length(element, error);
      if (!length) return std::nullopt;
      continue;
    }
    if (!json::unescape(element, line)) {
      error = ChangeSetError::invalid_line;
      return std::nullopt;
    }
    if (line.find('\n') != std::string::npos || line.find('\r') != std::string::npos) {
      error = ChangeSetError::line_break;
      return std::nullopt;
    }
    if (!is_first_line) text += '\n';
    is_first_line = false;
    text += line;
  }
  if (!length) error = ChangeSetError::invalid_section;
  return length;
}

} // namespace

std::string_view message(ChangeSetError error) {
  switch (error) {
  case ChangeSetError::invalid_json:
    return "change set is not valid JSON";
  case ChangeSetError::null_character:
    return "change set inserts a null character";
  case ChangeSetError::lone_surrogate:
    return "change set inserts half of a surrogate pair";
  case ChangeSetError::not_an_array:
    return "change set is not an array";
  case ChangeSetError::invalid_section:
    return "section of a change set is neither a length nor an array that begins with a length";
  case ChangeSetError::invalid_length:
    return "length in a change set is not a non-negative integer";
  case ChangeSetError::invalid_line:
    return "inserted line of a change set is not a string";
  case ChangeSetError::line_break:
    return "inserted line of a change set contains a line break";
  case ChangeSetError::too_long:
    return "text of a change set is too long";
  case ChangeSetError::wrong_length:
    return "change set was made for a text of another length";
  case ChangeSetError::divided_character:
    return "change set divides a character between the halves of its surrogate pair";
  case ChangeSetError::carriage_return:
    return "deleted text contains a carriage return";
  }
  return "invalid change set";
}

ChangeSet::Result ChangeSet::parse(std::string_view text) {
  json::Error error;
  const std::optional<json::Value> value = json::parse(text, {}, &error);
  if (!value) return change_set_error(error);
  return parse(*value);
}

ChangeSet::Result ChangeSet::parse(json::Value value) {
  if (value.kind != json::Kind::array) return ChangeSetError::not_an_array;
  ChangeSet changes;
  std::string text;
  ChangeSetError error{};
  for (const json::Value &section : json::elements(value)) {
    const bool is_kept = section.kind != json::Kind::array;
    const std::optional<std::size_t> length =
        is_kept ? read_section_length(section, error) : read_replacement(section, text, error);
    if (!length) return error;
    if (!(is_kept ? changes.keep(*length) : changes.replace(*length, text))) return ChangeSetError::too_long;
  }
  return changes;
}

bool ChangeSet::keep(std::size_t length) {
  if (!has_room(length, length)) return false;
  add_kept(length);
  return true;
}

bool ChangeSet::replace(std::size_t length, std::string_view text) {
  const std::size_t text_length = utf16_length(text);
  if (!has_room(length, text_length)) return false;
  add_replaced(length, text, text_length);
  return true;
}

std::string_view ChangeSet::inserted_text(const Section &section) const {
  return std::string_view(text_).substr(section.text_offset, section.text_size);
}

bool ChangeSet::is_empty() const {
  return sections_.empty() || (sections_.size() == 1 && sections_.front().kind == Section::Kind::keep);
}

std::string ChangeSet::to_json() const {
  std::string json = "[";
  for (const Section &section : sections_) {
    if (json.size() > 1) json += ',';
    if (section.kind == Section::Kind::keep) {
      json += std::to_string(section.length);
      continue;
    }
    json += '[';
    json += std::to_string(section.length);
    std::string_view lines = inserted_text(section);
    while (section.inserted_length > 0) {
      const std::size_t end = lines.find('\n');
      json += ',';
      json::append_quoted(json, lines.substr(0, end));
      if (end == std::string_view::npos) break;
      lines.remove_prefix(end + 1);
    }
    json += ']';
  }
  return json += ']';
}

bool ChangeSet::has_room(std::size_t length_before, std::size_t length_after) const {
  return length_before <= max_length - length_before_ && length_after <= max_length - length_after_;
}

void ChangeSet::add_kept(std::size_t length) {
  add({.kind = Section::Kind::keep, .length = static_cast<std::uint32_t>(length)}, Join::if_alike);
}

void ChangeSet::add_replaced(std::size_t length, std::string_view text, std::size_t text_length, Join join) {
  const Section section{.kind = Section::Kind::replace,
                        .length = static_cast<std::uint32_t>(length),
                        .inserted_length = static_cast<std::uint32_t>(text_length),
                        .text_offset = static_cast<std::uint32_t>(text_.size()),
                        .text_size = static_cast<std::uint32_t>(text.size())};
  text_ += text;
  add(section, join);
}

// Two kept sections are alike, two deletions, and two insertions at one place; not a replacement and its neighbour,
// since what another editor inserts between the two stays between them.
void ChangeSet::add(const Section &section, Join join) {
  assert(has_room(section.length, section.length_after()));
  if (section.length == 0 && section.inserted_length == 0) return;
  length_before_ += section.length;
  length_after_ += static_cast<std::uint32_t>(section.length_after());
  if (!sections_.empty()) {
    Section &last = sections_.back();
    const bool both_insert = section.length == 0 && last.length == 0;
    const bool neither_inserts = section.inserted_length == 0 && last.inserted_length == 0;
    if (join == Join::always || (last.kind == section.kind && (both_insert || neither_inserts))) {
      assert(last.kind == section.kind);
      last.length += section.length;
      last.inserted_length += section.inserted_length;
      last.text_size += section.text_size;
      return;
    }
  }
  sections_.push_back(section);
}

} // namespace pg_live
