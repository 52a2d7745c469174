// Counters by hash: of a topic for all users, of a topic for one user, and of all patterns together, which count for
// every topic. A revocation of a topic also counts for its typing topic.
#include "channel/revocation_counts.hpp"

#include "wire/topic_name.hpp"

#include <string>

namespace pg_live {

namespace {

constexpr std::string_view kAnyTopic = "*";

} // namespace

RevocationCounts::Places RevocationCounts::places(std::string_view topic, std::string_view user_id) const {
  std::string name(topic);
  name.append(1, '\0').append(user_id); // neither has one
  const std::uint64_t hash = siphash(key_, name);
  return {hash % kCounters, (hash >> 32) % kCounters};
}

void RevocationCounts::count(std::string_view pattern, std::string_view user_id) {
  const Places counters = places(pattern.ends_with('*') ? kAnyTopic : pattern, user_id);
  ++first_[counters.first];
  ++second_[counters.second];
}

RevocationMark RevocationCounts::at(std::string_view topic, std::string_view user_id) const {
  RevocationMark mark;
  const auto add = [&](std::string_view name) {
    for (const std::string_view whose : {std::string_view(), user_id}) {
      const Places counters = places(name, whose);
      mark.first += first_[counters.first];
      mark.second += second_[counters.second];
    }
  };
  add(kAnyTopic);
  add(topic);
  if (topic.starts_with(kTypingPrefix)) add(location_of(topic));
  return mark;
}

} // namespace pg_live
