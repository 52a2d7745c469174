// A text in pieces, so that an edit reads and writes a few kilobytes, however long the text is. It starts with the
// places and lengths of the stored pieces, reads the texts of those that an edit touches, and tells what to write.
//
// Lengths are counted in UTF-16 units; texts are well-formed UTF-8.
// Invariants: places ascend; no piece begins or ends within a character; a piece that was not read is as it is stored.
#pragma once

#include "merge/changeset.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pg_live {

class Document {
 public:
  // No stored piece is longer, in bytes: a row then fits beside others on a page, and needs no table for large values.
  static constexpr std::size_t kMaxPieceBytes = 1800;

  struct StoredPiece {
    std::int64_t place = 0;
    std::uint32_t length = 0;
    std::uint32_t size = 0; // in bytes
  };

  // What to do with the piece at a place. Deletes come before the others.
  struct Write {
    enum class Kind : unsigned char { remove, insert, update };

    Kind kind = Kind::update;
    std::int64_t place = 0;
    std::uint32_t length = 0;
    std::string text;
  };

  using Load = std::function<std::string(std::int64_t place)>;

  Document(std::span<const StoredPiece> stored, Load load);

  std::size_t length() const { return length_; }
  std::size_t size() const { return size_; } // in bytes

  // Changes the text. After an error, the document is of no use any more.
  std::optional<ChangeSetError> apply(const ChangeSet &changes);

  // What brings the stored pieces to the present text. To be called once.
  std::vector<Write> finish();

 private:
  struct Piece {
    std::optional<std::int64_t> place; // where it is stored
    std::uint32_t length = 0;
    std::uint32_t stored_size = 0;   // in bytes
    std::optional<std::string> text; // nothing: not read
    bool has_changed = false;
  };

  struct Cursor {
    std::size_t piece = 0;
    std::size_t offset = 0; // in units
  };

  std::string &text_of(Piece &piece);
  void advance(Cursor &at, std::size_t length) const;
  std::optional<ChangeSetError> erase(Cursor at, std::size_t length);
  bool erase_within(Piece &piece, std::size_t offset, std::size_t length);
  std::optional<ChangeSetError> insert(Cursor &at, std::string_view text, std::size_t length);
  void split_long_pieces();
  void join_short_pieces();
  void renumber(std::vector<Write> &writes);

  std::vector<Piece> pieces_;
  Load load_;
  std::size_t length_ = 0;
  std::size_t size_ = 0;
};

} // namespace pg_live
