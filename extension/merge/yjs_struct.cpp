// One struct: its head is read field by field and written again, its content stays as it came.
#include "merge/yjs_update.hpp"

namespace pg_live::yjs {

namespace {

// The first byte of a struct.
constexpr unsigned has_left = 0x80;
constexpr unsigned has_right = 0x40;
constexpr unsigned has_key = 0x20;
constexpr unsigned kind_bits = 0x1F;
constexpr unsigned garbage_bits = 0;
constexpr unsigned skip_byte = 10;
constexpr auto last_content_kind = static_cast<unsigned>(ContentKind::subdocument);

constexpr std::uint64_t parent_is_name = 1;
constexpr std::uint64_t parent_is_item = 0;

// The id of a struct that `of` refers to. A client cannot resolve one that comes later from the same client.
Id read_reference(ByteReader &reader, Id of) {
  const std::size_t begin = reader.offset();
  const std::uint64_t client = reader.number();
  const std::uint64_t clock = reader.number();
  if (client == of.client && clock >= of.clock) reader.fail(Fault::later_reference, begin);
  return {client, clock};
}

Place read_place(ByteReader &reader, Id id, unsigned first_byte) {
  Place place;
  if ((first_byte & has_left) != 0) place.left = read_reference(reader, id);
  if ((first_byte & has_right) != 0) place.right = read_reference(reader, id);
  if (place.left || place.right) return place; // parent and key are those of the neighbour
  if (reader.number() == parent_is_name)
    place.parent = reader.text();
  else
    place.parent = read_reference(reader, id);
  if ((first_byte & has_key) != 0) place.key = reader.text();
  return place;
}

void append_id(std::string &bytes, Id id) {
  append_number(bytes, id.client);
  append_number(bytes, id.clock);
}

void append_item(std::string &bytes, const Struct &item) {
  const Place &place = item.place;
  bytes += static_cast<char>(static_cast<unsigned>(item.content_kind) | (place.left ? has_left : 0) |
                             (place.right ? has_right : 0) | (place.key ? has_key : 0));
  if (place.left) append_id(bytes, *place.left);
  if (place.right) append_id(bytes, *place.right);
  if (!place.left && !place.right) {
    if (const auto *name = std::get_if<std::string_view>(&place.parent)) {
      append_number(bytes, parent_is_name);
      append_byte_string(bytes, *name);
    } else if (const Id *parent = std::get_if<Id>(&place.parent)) {
      append_number(bytes, parent_is_item);
      append_id(bytes, *parent);
    }
    if (place.key) append_byte_string(bytes, *place.key);
  }
  append_content(bytes, item.content_kind, item.content, item.skipped_units);
}

} // namespace

Struct read_struct(ByteReader &reader, Id id) {
  const std::size_t begin = reader.offset();
  const unsigned first_byte = reader.byte();
  const unsigned kind = first_byte & kind_bits;
  Struct read{.id = id};
  if (first_byte == skip_byte || kind == garbage_bits) {
    read.kind = kind == garbage_bits ? StructKind::garbage : StructKind::skip;
    read.length = reader.number();
  } else if (kind <= last_content_kind) {
    read.kind = StructKind::item;
    read.place = read_place(reader, id, first_byte);
    read.content_kind = static_cast<ContentKind>(kind);
    const std::size_t content_begin = reader.offset();
    read.length = read_content(reader, read.content_kind);
    read.content = reader.since(content_begin);
  } else {
    reader.fail(Fault::unknown_struct, begin);
  }
  if (read.length == 0) reader.fail(Fault::empty_struct, begin);
  if (read.length > max_number - id.clock) reader.fail(Fault::clock_too_large, begin);
  return read;
}

// Yjs keeps the key, though it is not read beside a neighbour: it shows in the first byte.
Struct without_first(Struct whole, std::uint64_t count) {
  whole.id.clock += count;
  whole.length -= count;
  whole.skipped_units += count;
  whole.place.left = Id{whole.id.client, whole.id.clock - 1};
  return whole;
}

void UpdateWriter::write(const Struct &written) {
  if (struct_count_ > 0 && client_ != written.id.client) end_section();
  if (struct_count_++ == 0) {
    client_ = written.id.client;
    append_id(structs_, written.id);
  }
  switch (written.kind) {
  case StructKind::garbage:
    structs_ += static_cast<char>(garbage_bits);
    return append_number(structs_, written.length);
  case StructKind::skip:
    structs_ += static_cast<char>(skip_byte);
    return append_number(structs_, written.length);
  case StructKind::item:
    return append_item(structs_, written);
  }
}

void UpdateWriter::end_section() {
  if (struct_count_ == 0) return;
  ++section_count_;
  append_number(sections_, struct_count_);
  sections_ += structs_;
  structs_.clear();
  struct_count_ = 0;
}

std::string UpdateWriter::finish(const IdSet &deleted) {
  end_section();
  std::string update;
  append_number(update, section_count_);
  update += sections_;
  append_id_set(update, deleted);
  return update;
}

} // namespace pg_live::yjs
