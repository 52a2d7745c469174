// Applies change sets to a text in pieces, see document.hpp.
#include "merge/document.hpp"

#include "text/utf16.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kSplitBytes = 1200; // of the parts of a long piece, which leaves them room to grow
constexpr std::size_t kShortLength = 300; // of a piece that is joined with the next one

// A new place stands a part of the gap behind its predecessor: who types on fills the gap from the left.
constexpr std::int64_t kGap = std::int64_t{1} << 40;
constexpr std::int64_t kGapParts = 8;

std::size_t end_of_part(std::string_view text, std::size_t bytes) {
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
    ++bytes;
  return std::min(bytes, text.size());
}

} // namespace

Document::Document(std::span<const StoredPiece> stored, Load load) : load_(std::move(load)) {
  pieces_.reserve(stored.size() + 1);
  for (const StoredPiece &piece : stored) {
    pieces_.push_back({piece.place, piece.length, piece.size, std::nullopt, false});
    length_ += piece.length;
    size_ += piece.size;
  }
}

std::string &Document::text_of(Piece &piece) {
  if (!piece.text) piece.text = piece.place ? load_(*piece.place) : std::string();
  return *piece.text;
}

// Stays at the end of a piece rather than go to the start of the next one, so that what is typed there is appended.
void Document::advance(Cursor &at, std::size_t length) const {
  while (length > 0) {
    const std::size_t step = std::min(length, pieces_[at.piece].length - at.offset);
    at.offset += step;
    length -= step;
    if (length > 0) at = {at.piece + 1, 0};
  }
}

bool Document::erase_within(Piece &piece, std::size_t offset, std::size_t length) {
  if (length == piece.length) {
    size_ -= piece.text ? piece.text->size() : piece.stored_size;
    piece.text.emplace();
  } else {
    std::string &text = text_of(piece);
    const auto begin = utf16_to_byte_offset(text, offset);
    if (!begin) return false;
    const auto size = utf16_to_byte_offset(std::string_view(text).substr(*begin), length);
    if (!size) return false;
    text.erase(*begin, *size);
    size_ -= *size;
  }
  piece.length -= static_cast<std::uint32_t>(length);
  piece.has_changed = true;
  return true;
}

std::optional<ChangeSetError> Document::erase(Cursor at, std::size_t length) {
  while (length > 0) {
    Piece &piece = pieces_[at.piece];
    const std::size_t part = std::min(length, piece.length - at.offset);
    if (part > 0 && !erase_within(piece, at.offset, part)) return ChangeSetError::divided_character;
    length -= part;
    if (length > 0) at = {at.piece + 1, 0};
  }
  return std::nullopt;
}

std::optional<ChangeSetError> Document::insert(Cursor &at, std::string_view text, std::size_t length) {
  if (text.empty()) return std::nullopt;
  if (pieces_.empty()) pieces_.emplace_back();
  Piece &piece = pieces_[at.piece];
  std::string &stored = text_of(piece);
  const auto offset = utf16_to_byte_offset(stored, at.offset);
  if (!offset) return ChangeSetError::divided_character;
  stored.insert(*offset, text);
  size_ += text.size();
  piece.length += static_cast<std::uint32_t>(length);
  piece.has_changed = true;
  at.offset += length;
  return std::nullopt;
}

std::optional<ChangeSetError> Document::apply(const ChangeSet &changes) {
  if (changes.length_before() != length_) return ChangeSetError::wrong_length;
  Cursor at;
  for (const ChangeSet::Section &section : changes.sections()) {
    if (section.kind == ChangeSet::Section::Kind::keep) {
      advance(at, section.length);
      continue;
    }
    if (const auto error = erase(at, section.length)) return error;
    if (const auto error = insert(at, changes.inserted_text(section), section.inserted_length)) return error;
  }
  length_ = changes.length_after();
  split_long_pieces();
  return std::nullopt;
}

void Document::split_long_pieces() {
  const auto is_long = [](const Piece &piece) { return piece.has_changed && piece.text->size() > kMaxPieceBytes; };
  if (std::none_of(pieces_.begin(), pieces_.end(), is_long)) return;
  std::vector<Piece> pieces;
  for (Piece &piece : pieces_) {
    if (!is_long(piece)) {
      pieces.push_back(std::move(piece));
      continue;
    }
    const std::string text = std::move(*piece.text);
    const std::size_t parts = (text.size() + kSplitBytes - 1) / kSplitBytes;
    for (std::size_t begin = 0, part = 1; begin < text.size(); ++part) {
      const std::size_t end = end_of_part(text, std::max(begin + 1, text.size() * part / parts));
      std::string own = text.substr(begin, end - begin);
      const auto length = static_cast<std::uint32_t>(utf16_length(own));
      pieces.push_back({begin == 0 ? piece.place : std::nullopt, length, 0, std::move(own), true});
      begin = end;
    }
  }
  pieces_ = std::move(pieces);
}

// Keeps what is left of deleted text from becoming many pieces of a few characters each.
void Document::join_short_pieces() {
  Piece *previous = nullptr;
  for (Piece &piece : pieces_) {
    if (piece.length == 0) continue;
    const bool has_changed = piece.has_changed || (previous != nullptr && previous->has_changed);
    if (previous == nullptr || !has_changed || previous->length >= kShortLength || piece.length >= kShortLength) {
      previous = &piece;
      continue;
    }
    text_of(*previous) += text_of(piece);
    previous->length += piece.length;
    previous->has_changed = true;
    piece.text->clear();
    piece.length = 0;
    piece.has_changed = true;
  }
}

// Gives all pieces new places.
void Document::renumber(std::vector<Write> &writes) {
  writes.clear();
  for (Piece &piece : pieces_) {
    text_of(piece);
    if (piece.place) writes.push_back({Write::Kind::remove, *piece.place, 0, {}});
  }
  std::int64_t place = 0;
  for (Piece &piece : pieces_) {
    if (piece.length == 0) continue;
    writes.push_back({Write::Kind::insert, place += kGap, piece.length, std::move(*piece.text)});
  }
}

std::vector<Document::Write> Document::finish() {
  join_short_pieces();
  std::vector<Write> writes;
  for (const Piece &piece : pieces_)
    if (piece.place && piece.length == 0) writes.push_back({Write::Kind::remove, *piece.place, 0, {}});

  const auto is_kept = [](const Piece &piece) { return piece.place && piece.length > 0; };
  auto next = pieces_.begin(); // the first kept piece behind the last new one
  std::int64_t previous = 0;   // the place before, of pieces that are kept
  for (auto piece = pieces_.begin(); piece != pieces_.end(); ++piece) {
    if (piece->length == 0) continue;
    if (!piece->place) {
      next = std::find_if(std::max(next, piece), pieces_.end(), is_kept);
      const std::int64_t gap = next == pieces_.end() ? kGap * kGapParts : *next->place - previous;
      if (gap < kGapParts) {
        renumber(writes);
        return writes;
      }
      previous += gap / kGapParts;
      writes.push_back({Write::Kind::insert, previous, piece->length, *piece->text});
      continue;
    }
    previous = *piece->place;
    if (piece->has_changed) writes.push_back({Write::Kind::update, previous, piece->length, *piece->text});
  }
  return writes;
}

} // namespace pg_live
