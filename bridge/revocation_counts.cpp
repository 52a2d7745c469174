// Counting by hash: a topic's for everybody, a topic's for one user, and patterns, which concern every topic of those
// they name. Whoever may not receive a topic may not know who types there either.
#include "revocation_counts.hpp"

#include <string>

namespace pg_live {

namespace {

constexpr std::string_view kTyping = "typing:";
constexpr std::string_view kAnyTopic = "*";

} // namespace

std::size_t RevocationCounts::place(std::string_view topic, std::string_view user_id) const {
  std::string name(topic);
  name.append(1, '\0').append(user_id); // neither has one
  return siphash(key_, name) % counts_.size();
}

void RevocationCounts::count(std::string_view pattern, std::string_view user_id) {
  ++counts_[place(pattern.ends_with('*') ? kAnyTopic : pattern, user_id)];
}

std::uint64_t RevocationCounts::at(std::string_view topic, std::string_view user_id) const {
  const auto both = [&](std::string_view name) -> std::uint64_t {
    return std::uint64_t{counts_[place(name, "")]} + counts_[place(name, user_id)];
  };
  const std::uint64_t typing = topic.starts_with(kTyping) ? both(topic.substr(kTyping.size())) : 0;
  return both(kAnyTopic) + both(topic) + typing;
}

} // namespace pg_live
