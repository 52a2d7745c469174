// Updates of Yjs in encoding v1: the structs of some clients, each client's in the order of its clock, and a delete
// set. An update is validated once, as a whole, then read struct by struct from its own bytes.
//
// Accepts what every Yjs client can apply: a struct that a client cannot read makes the whole document unreadable.
#pragma once

#include "merge/yjs_content.hpp"
#include "merge/yjs_id_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live::yjs {

// What some updates have together, or what a document has.
struct Contents {
  IdSet structs;
  IdSet deleted;
};

// The structs of one client. The bytes are theirs alone.
struct Section {
  Id first;
  std::uint64_t struct_count = 0;
  std::string_view bytes;
};

// Views of the bytes that were read, which must live as long.
struct Update {
  std::string_view bytes;
  std::vector<Section> sections{}; // clients descending, each once, none empty
  Contents contents{};
};

// If the bytes are not an update, sets `error` (when given) and returns nothing.
std::optional<Update> read_update(std::string_view bytes, Error *error = nullptr);

enum class StructKind : unsigned char { garbage, item, skip };

// Where an item was inserted: the ids beside it at that time, or, when it had no neighbour, its parent.
struct Place {
  std::optional<Id> left;
  std::optional<Id> right;
  std::variant<std::monostate, Id, std::string_view> parent; // another item, or the name of a shared type
  std::optional<std::string_view> key;                       // in a parent that is a map
};

struct Struct {
  StructKind kind = StructKind::garbage;
  Id id;
  std::uint64_t length = 0;
  Place place{};                   // of an item
  ContentKind content_kind{};      // of an item
  std::string_view content{};      // of an item
  std::uint64_t skipped_units = 0; // of the content, at its begin

  std::uint64_t end() const { return id.clock + length; }
};

// Reads the struct that begins at the reader.
Struct read_struct(ByteReader &reader, Id id);

// The struct without its first `count` units, fewer than it has: what Yjs makes of an item whose begin is known.
Struct without_first(Struct whole, std::uint64_t count);

// Writes an update from structs that come client by client, each client's by ascending clock and without a hole.
class UpdateWriter {
 public:
  void write(const Struct &written);
  std::string finish(const IdSet &deleted);

 private:
  void end_section();

  std::string sections_;
  std::uint64_t section_count_ = 0;
  std::string structs_; // of the section that is being written
  std::uint64_t struct_count_ = 0;
  std::uint64_t client_ = 0;
};

} // namespace pg_live::yjs
