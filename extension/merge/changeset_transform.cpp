// ChangeSet::compose and ChangeSet::map, see changeset.hpp. Both walk over two change sets at once, piece by piece;
// each step ends a section of one of them, so time and memory are linear in their sizes.
#include "merge/changeset.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

#include "text/utf16.hpp"

namespace pg_live {

namespace {

// A place in a change set: a section and how much of it is left, counted in the text before the changes or after them.
class SectionCursor {
 public:
  enum class Text : unsigned char { before, after };

  SectionCursor(const ChangeSet &changes, Text counted) : changes_(changes), counted_(counted) { begin(); }

  bool at_end() const { return index_ == changes_.sections().size(); }
  std::size_t index() const { return index_; }
  const ChangeSet::Section &section() const { return changes_.sections()[index_]; }
  std::string_view text() const { return changes_.inserted_text(section()); }

  bool keeps() const { return !at_end() && section().kind == ChangeSet::Section::Kind::keep; }
  bool replaces() const { return !at_end() && section().kind == ChangeSet::Section::Kind::replace; }
  bool deletes() const { return replaces() && section().inserted_length == 0; }
  bool inserts() const { return replaces() && section().length == 0; }

  // The units of the section that are left; 0 at the end.
  std::size_t left() const { return left_; }
  bool is_whole() const { return left_ == size(); }

  // Leaves `units` behind, at most those that are left; the section too when none are left then.
  void advance(std::size_t units) {
    assert(units <= left_);
    left_ -= units;
    if (left_ == 0) next();
  }

  void next() {
    assert(!at_end());
    ++index_;
    begin();
  }

 private:
  std::size_t size() const {
    if (at_end()) return 0;
    return counted_ == Text::before ? section().length : section().length_after();
  }
  void begin() { left_ = size(); }

  const ChangeSet &changes_;
  Text counted_;
  std::size_t index_ = 0;
  std::size_t left_ = 0;
};

} // namespace

// `first` and `second` move on together in the text between the two. A section of the result that goes on in the next
// piece is open: what comes next belongs to the same replacement.
ChangeSet::Result ChangeSet::compose(const ChangeSet &next) const {
  if (length_after_ != next.length_before_) return ChangeSetError::wrong_length;
  ChangeSet result;
  SectionCursor first(*this, SectionCursor::Text::after);
  SectionCursor second(next, SectionCursor::Text::before);
  Utf16Reader first_text;
  Join join = Join::if_alike;
  while (!first.at_end() || !second.at_end()) {
    if (first.deletes()) {
      result.add_replaced(first.section().length, {}, 0, join);
      first.next();
      continue;
    }
    if (second.inserts()) {
      result.add_replaced(0, second.text(), second.section().inserted_length, join);
      second.next();
      continue;
    }
    const std::size_t units = std::min(first.left(), second.left());
    const std::size_t sections_before = result.sections_.size();
    std::size_t length = units; // of the text before both
    std::string_view text;      // of `first`, inserted
    if (first.replaces()) {
      if (first.is_whole()) first_text = Utf16Reader(first.text(), first.section().inserted_length);
      length = first.is_whole() ? first.section().length : 0;
      const std::optional<std::string_view> taken = first_text.take(units);
      if (!taken) return ChangeSetError::divided_character;
      text = *taken;
    }
    if (second.replaces()) {
      const bool is_new = second.is_whole();
      result.add_replaced(length, is_new ? second.text() : std::string_view(),
                          is_new ? second.section().inserted_length : 0, join);
    } else if (first.replaces()) {
      result.add_replaced(length, text, units, join);
    } else {
      result.add_kept(length);
    }
    const bool goes_on = (first.replaces() && first.left() > units) || (second.replaces() && second.left() > units);
    const bool is_open = join == Join::always || result.sections_.size() > sections_before;
    join = goes_on && is_open ? Join::always : Join::if_alike;
    first.advance(units);
    second.advance(units);
  }
  return result;
}

// `ours` and `theirs` move on together in the text before both. Of two changes at one place the shorter comes first, of
// two of one length the one with precedence. A change of ours that is processed in pieces inserts its text once.
ChangeSet::Result ChangeSet::map(const ChangeSet &other, Precedence precedence) const {
  if (length_before_ != other.length_before_) return ChangeSetError::wrong_length;
  std::size_t longest = other.length_after_;
  for (const Section &section : sections_)
    longest += section.inserted_length;
  if (longest > max_length) return ChangeSetError::too_long;

  ChangeSet result;
  SectionCursor ours(*this, SectionCursor::Text::before);
  SectionCursor theirs(other, SectionCursor::Text::before);
  std::size_t inserted_count = 0; // of our sections, those up to the last one whose text is in the result
  const auto is_inserted = [&] { return ours.index() < inserted_count; };
  const auto insert = [&](std::size_t length) {
    if (is_inserted()) return result.add_replaced(length, {}, 0);
    result.add_replaced(length, ours.text(), ours.section().inserted_length);
    inserted_count = ours.index() + 1;
  };
  const auto theirs_comes_first = [&] {
    if (!ours.replaces() || is_inserted()) return true;
    if (!ours.is_whole()) return false;
    return theirs.left() < ours.left() || (theirs.left() == ours.left() && precedence == Precedence::other_first);
  };

  while (!ours.at_end() || !theirs.at_end()) {
    if (ours.keeps() && theirs.keeps()) {
      const std::size_t units = std::min(ours.left(), theirs.left());
      result.add_kept(units);
      ours.advance(units);
      theirs.advance(units);
    } else if (theirs.replaces() && theirs_comes_first()) {
      // What we change within the range that they replace ends before it, after their text.
      result.add_kept(theirs.section().inserted_length);
      for (std::size_t left = theirs.left(); left > 0;) {
        const std::size_t units = std::min(ours.left(), left);
        if (ours.replaces() && ours.left() <= units) insert(0);
        left -= units;
        ours.advance(units);
      }
      theirs.next();
    } else {
      // Our change, up to the next change of theirs that is more than a deletion within it.
      std::size_t left = ours.left();
      std::size_t length = 0; // of what they have kept of it
      while (left > 0) {
        const std::size_t units = std::min(left, theirs.left());
        if (theirs.keeps())
          length += units;
        else if (!theirs.deletes() || theirs.left() >= left)
          break;
        left -= units;
        theirs.advance(units);
      }
      insert(length);
      ours.advance(ours.left() - left);
    }
  }
  return result;
}

} // namespace pg_live
