#include "merge/yjs_id_set.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pg_live::yjs {

namespace {

bool is_written_before(const IdRange &one, const IdRange &other) {
  return one.client != other.client ? one.client > other.client : one.clock < other.clock;
}

// The index after the last range of the client that the range at `begin` belongs to.
std::size_t end_of_client(std::span<const IdRange> ranges, std::size_t begin) {
  std::size_t end = begin;
  while (end < ranges.size() && ranges[end].client == ranges[begin].client)
    ++end;
  return end;
}

} // namespace

IdSet::IdSet(std::vector<IdRange> ranges) : ranges_(std::move(ranges)) {
  std::erase_if(ranges_, [](const IdRange &range) { return range.end <= range.clock; });
  if (!std::is_sorted(ranges_.begin(), ranges_.end(), is_written_before))
    std::sort(ranges_.begin(), ranges_.end(), is_written_before);
  std::size_t kept = 0;
  for (const IdRange &range : ranges_) {
    if (kept > 0 && ranges_[kept - 1].client == range.client && ranges_[kept - 1].end >= range.clock)
      ranges_[kept - 1].end = std::max(ranges_[kept - 1].end, range.end);
    else
      ranges_[kept++] = range;
  }
  ranges_.resize(kept);
}

std::span<const IdRange> IdSet::ranges_of(std::uint64_t client) const {
  const auto [begin, end] =
      std::equal_range(ranges_.begin(), ranges_.end(), IdRange{.client = client},
                       [](const IdRange &one, const IdRange &other) { return one.client > other.client; });
  return {begin, end};
}

// Both are in one order, so one pass finds the only range that can hold each of the other's ranges.
bool IdSet::covers(const IdSet &other) const {
  auto holder = ranges_.begin();
  for (const IdRange &range : other.ranges_) {
    while (holder != ranges_.end() &&
           (holder->client > range.client || (holder->client == range.client && holder->end < range.end)))
      ++holder;
    if (holder == ranges_.end() || holder->client != range.client || holder->clock > range.clock) return false;
  }
  return true;
}

IdSet united(std::span<const IdSet *const> sets) {
  std::vector<IdRange> ranges;
  for (const IdSet *set : sets)
    ranges.insert(ranges.end(), set->ranges().begin(), set->ranges().end());
  return IdSet(std::move(ranges));
}

bool has_gap(const IdSet &structs) {
  const IdRange *before = nullptr;
  for (const IdRange &range : structs.ranges()) {
    if (range.clock != 0 || (before != nullptr && before->client == range.client)) return true;
    before = &range;
  }
  return false;
}

IdSet read_id_set(ByteReader &reader) {
  std::vector<IdRange> ranges;
  for (std::uint64_t clients = reader.number(); clients > 0 && !reader.failed(); --clients) {
    const std::uint64_t client = reader.number();
    for (std::uint64_t count = reader.number(); count > 0 && !reader.failed(); --count) {
      const std::size_t begin = reader.offset();
      const std::uint64_t clock = reader.number();
      const std::uint64_t length = reader.number();
      if (length > max_number - clock) reader.fail(Fault::clock_too_large, begin);
      if (!reader.failed()) ranges.push_back({client, clock, clock + length});
    }
  }
  return reader.failed() ? IdSet() : IdSet(std::move(ranges));
}

void append_id_set(std::string &bytes, const IdSet &set) {
  const std::span<const IdRange> ranges = set.ranges();
  std::size_t clients = 0;
  for (std::size_t at = 0; at < ranges.size(); at = end_of_client(ranges, at))
    ++clients;
  append_number(bytes, clients);
  for (std::size_t at = 0; at < ranges.size();) {
    const std::size_t end = end_of_client(ranges, at);
    append_number(bytes, ranges[at].client);
    append_number(bytes, end - at);
    for (; at < end; ++at) {
      append_number(bytes, ranges[at].clock);
      append_number(bytes, ranges[at].end - ranges[at].clock);
    }
  }
}

} // namespace pg_live::yjs
