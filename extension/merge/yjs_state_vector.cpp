#include "merge/yjs_state_vector.hpp"

#include <algorithm>
#include <utility>

namespace pg_live::yjs {

namespace {

bool has_larger_client(const Id &one, const Id &other) { return one.client > other.client; }

} // namespace

StateVector::StateVector(const IdSet &structs) {
  for (const IdRange &range : structs.ranges())
    if (range.clock == 0) entries_.push_back({range.client, range.end});
}

std::uint64_t StateVector::clock(std::uint64_t client) const {
  const auto entry = std::lower_bound(entries_.begin(), entries_.end(), Id{client, 0}, has_larger_client);
  return entry != entries_.end() && entry->client == client ? entry->clock : 0;
}

IdSet StateVector::structs() const {
  std::vector<IdRange> ranges;
  ranges.reserve(entries_.size());
  for (const Id &entry : entries_)
    ranges.push_back({entry.client, 0, entry.clock});
  return IdSet(std::move(ranges));
}

std::optional<StateVector> read_state_vector(std::string_view bytes, Error *error) {
  ByteReader reader(bytes);
  StateVector result;
  for (std::uint64_t count = reader.number(); count > 0 && !reader.failed(); --count) {
    const std::uint64_t client = reader.number();
    const std::uint64_t clock = reader.number();
    if (!reader.failed()) result.entries_.push_back({client, clock});
  }
  if (!reader.at_end()) reader.fail(Fault::trailing_bytes);
  std::sort(result.entries_.begin(), result.entries_.end(), has_larger_client);
  const auto repeated = std::adjacent_find(result.entries_.begin(), result.entries_.end(),
                                           [](const Id &one, const Id &next) { return one.client == next.client; });
  if (repeated != result.entries_.end()) reader.fail(Fault::repeated_client);
  std::erase_if(result.entries_, [](const Id &entry) { return entry.clock == 0; });
  if (!reader.failed()) return result;
  if (error != nullptr) *error = *reader.error();
  return std::nullopt;
}

std::string encode(const StateVector &state_vector) {
  std::string bytes;
  append_number(bytes, state_vector.entries().size());
  for (const Id &entry : state_vector.entries()) {
    append_number(bytes, entry.client);
    append_number(bytes, entry.clock);
  }
  return bytes;
}

} // namespace pg_live::yjs
