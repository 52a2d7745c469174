#include "merge/yjs_update.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pg_live::yjs {

namespace {

// Reads the structs of one client and appends the ids that they have.
Section read_section(ByteReader &reader, std::vector<IdRange> &ids) {
  Section section;
  section.struct_count = reader.number();
  section.first = {reader.number(), reader.number()};
  const std::size_t begin = reader.offset();
  Id next = section.first;
  IdRange range{next.client, next.clock, next.clock};
  for (std::uint64_t left = section.struct_count; left > 0; --left) {
    const Struct read = read_struct(reader, next);
    if (reader.failed()) return section;
    next.clock = read.end();
    if (read.kind != StructKind::skip) {
      range.end = next.clock;
      continue;
    }
    ids.push_back(range);
    range = {next.client, next.clock, next.clock};
  }
  ids.push_back(range);
  section.bytes = reader.since(begin);
  return section;
}

// Yjs applies only the last section of a client that has two.
bool sort_sections(std::vector<Section> &sections) {
  std::sort(sections.begin(), sections.end(),
            [](const Section &one, const Section &other) { return one.first.client > other.first.client; });
  const auto repeated =
      std::adjacent_find(sections.begin(), sections.end(),
                         [](const Section &one, const Section &next) { return one.first.client == next.first.client; });
  if (repeated != sections.end()) return false;
  std::erase_if(sections, [](const Section &section) { return section.struct_count == 0; });
  return true;
}

} // namespace

std::optional<Update> read_update(std::string_view bytes, Error *error) {
  ByteReader reader(bytes);
  Update update{.bytes = bytes};
  std::vector<IdRange> ids;
  for (std::uint64_t count = reader.number(); count > 0 && !reader.failed(); --count)
    update.sections.push_back(read_section(reader, ids));
  const std::size_t end_of_structs = reader.offset();
  update.contents = {IdSet(std::move(ids)), read_id_set(reader)};
  if (!reader.at_end()) reader.fail(Fault::trailing_bytes);
  if (!reader.failed() && !sort_sections(update.sections)) reader.fail(Fault::repeated_client, end_of_structs);
  if (!reader.failed()) return update;
  if (error != nullptr) *error = *reader.error();
  return std::nullopt;
}

} // namespace pg_live::yjs
