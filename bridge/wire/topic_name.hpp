// The rules for names of topics and events: those of live.emit(), so that no channel waits for an impossible event.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pg_live {

inline constexpr std::size_t kTopicNameBytes = 1100;
inline constexpr std::size_t kEventNameBytes = 255;

// The prefix that realtime-js puts before each topic.
inline constexpr std::string_view kTopicPrefix = "realtime:";

// "realtime:room:1" → "room:1"; other topics unchanged.
constexpr std::string_view without_prefix(std::string_view topic) {
  return topic.starts_with(kTopicPrefix) ? topic.substr(kTopicPrefix.size()) : topic;
}

constexpr bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

constexpr bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kTopicNameBytes && !has_control_characters(name);
}

constexpr bool is_event_name(std::string_view name) {
  return !name.empty() && name.size() <= kEventNameBytes && !has_control_characters(name);
}

static_assert(is_topic_name("room:1") && is_topic_name("grüße") && !is_topic_name("") && !is_topic_name("a\nb"));

} // namespace pg_live
