// The rules for names of topics and events: those of live.emit(), so that no channel waits for an impossible event.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pg_live {

inline constexpr std::size_t kMaxTopicNameBytes = 1100;
inline constexpr std::size_t kMaxEventNameBytes = 255;

// The prefix that realtime-js puts before each topic.
inline constexpr std::string_view kTopicPrefix = "realtime:";

// "realtime:room:1" → "room:1"; other topics unchanged.
constexpr std::string_view without_prefix(std::string_view topic) {
  return topic.starts_with(kTopicPrefix) ? topic.substr(kTopicPrefix.size()) : topic;
}

// A location has a topic of its own for who is typing there: "document:7" has "typing:document:7".
inline constexpr std::string_view kTypingPrefix = "typing:";

// "typing:document:7" → "document:7"; other topics unchanged: the location of who types on a channel of the topic.
constexpr std::string_view location_of(std::string_view topic) {
  return topic.starts_with(kTypingPrefix) ? topic.substr(kTypingPrefix.size()) : topic;
}

constexpr bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

constexpr bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTopicNameBytes && !has_control_characters(name);
}

constexpr bool is_event_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxEventNameBytes && !has_control_characters(name);
}

static_assert(is_topic_name("room:1") && is_topic_name("grüße") && !is_topic_name("") && !is_topic_name("a\nb"));

} // namespace pg_live
