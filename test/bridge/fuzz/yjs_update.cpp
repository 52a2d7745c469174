// Two updates of Yjs, cut at a place that the first byte chooses: what is read as an update can be merged with others,
// divided at any clock and compared, and the results say what they should.
#include "merge/yjs_merge.hpp"

#include <array>
#include <string>

#include "fuzz.hpp"

using namespace pg_live;
using fuzz::require;

namespace {

yjs::Update reread(const std::string &bytes) {
  auto update = yjs::read_update(bytes);
  require(update.has_value());
  return *std::move(update);
}

bool same(const yjs::Contents &one, const yjs::Contents &other) {
  return one.structs == other.structs && one.deleted == other.deleted;
}

void check_diff(const yjs::Update &update, const yjs::StateVector &known) {
  const std::string bytes = yjs::diff(update, known);
  const yjs::Contents lacking = reread(bytes).contents;
  require(lacking.deleted == update.contents.deleted && update.contents.structs.covers(lacking.structs));
  for (const yjs::IdRange &range : lacking.structs.ranges())
    require(range.clock >= known.clock(range.client));
  const yjs::IdSet known_structs = known.structs();
  const std::array<const yjs::IdSet *, 2> both = {&known_structs, &lacking.structs};
  require(yjs::united(both).covers(update.contents.structs));
}

void check_merge(const yjs::Update &one, const yjs::Update &other) {
  const std::array<yjs::Update, 2> both = {one, other};
  const yjs::Contents contents = yjs::united(both);
  const std::string merged = yjs::merge(both);
  const yjs::Update result = reread(merged);
  require(same(result.contents, contents));
  require(yjs::has(contents, one.contents) && yjs::has(result.contents, other.contents));
  require((yjs::verify_snapshot(result.contents, contents) == yjs::SnapshotVerdict::has_gap) ==
          has_gap(contents.structs));
  require(merged.size() <= 16 * (one.bytes.size() + other.bytes.size() + 1));
  check_diff(result, yjs::StateVector(one.contents.structs));
}

// Everything after the middle of the first range of each client.
void check_division(const yjs::Update &update) {
  std::vector<yjs::IdRange> halves;
  for (const yjs::IdRange &range : update.contents.structs.ranges())
    if (range.clock == 0) halves.push_back({range.client, 0, range.end / 2});
  check_diff(update, yjs::StateVector(yjs::IdSet(halves)));
}

} // namespace

extern "C" int fuzz_yjs_update(const unsigned char *data, std::size_t size) {
  std::string_view bytes = fuzz::view(data, size);
  if (const auto state = yjs::read_state_vector(bytes)) require(yjs::read_state_vector(encode(*state)).has_value());
  yjs::Error error{};
  const std::size_t cut = bytes.empty() ? 0 : data[0] * (size - 1) / 255;
  bytes.remove_prefix(bytes.empty() ? 0 : 1);
  const auto one = yjs::read_update(bytes.substr(0, cut), &error);
  if (!one) require(!message(error.fault).empty() && error.offset <= cut);
  const auto other = yjs::read_update(bytes.substr(cut));
  if (one) check_division(*one);
  if (one && other) check_merge(*one, *other);
  return 0;
}
