// Change sets and the text they change: ChangeSet::apply and ChangeSet::invert, see changeset.hpp.
#include "merge/changeset.hpp"

#include <optional>

#include "text/utf16.hpp"

namespace pg_live {

std::variant<std::string, ChangeSetError> ChangeSet::apply(std::string_view document) const {
  Utf16Reader reader(document);
  if (reader.left() != length_before_) return ChangeSetError::wrong_length;
  std::string result;
  result.reserve(document.size() + text_.size());
  for (const Section &section : sections_) {
    const std::optional<std::string_view> before = reader.take(section.length);
    if (!before) return ChangeSetError::divided_character;
    result += section.kind == Section::Kind::keep ? *before : inserted_text(section);
  }
  return result;
}

ChangeSet::Result ChangeSet::invert(std::string_view document) const {
  Utf16Reader reader(document);
  if (reader.left() != length_before_) return ChangeSetError::wrong_length;
  ChangeSet inverse;
  for (const Section &section : sections_) {
    const std::optional<std::string_view> before = reader.take(section.length);
    if (!before) return ChangeSetError::divided_character;
    if (section.kind == Section::Kind::keep) {
      inverse.add_kept(section.length);
    } else {
      if (before->find('\r') != std::string_view::npos) return ChangeSetError::carriage_return;
      inverse.add_replaced(section.inserted_length, *before, section.length);
    }
  }
  return inverse;
}

} // namespace pg_live
