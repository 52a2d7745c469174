// Which topics belong to the extension. Clients have no rooms of these names: what they sent each other there would
// look like what the database says.
#pragma once

#include <array>
#include <string_view>

namespace pg_live {

/// As live.is_built_in_topic().
constexpr bool is_built_in_topic(std::string_view topic) {
  if (topic == "presence" || topic == "activity") return true;
  for (const std::string_view beginning :
       std::to_array<std::string_view>({"user:", "followers:", "session:", "typing:", "$"}))
    if (topic.starts_with(beginning)) return true;
  return false;
}

static_assert(is_built_in_topic("presence") && is_built_in_topic("typing:room:1") && is_built_in_topic("$access"));
static_assert(!is_built_in_topic("presence:1") && !is_built_in_topic("users") && !is_built_in_topic("room:session:1"));

} // namespace pg_live
