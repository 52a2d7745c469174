// See event_taps.hpp.
#include "admin/event_taps.hpp"

#include "text/json_writer.hpp"

#include <algorithm>

namespace pg_live {

std::optional<std::string> EventTaps::read(Of of, std::string_view name, std::uint64_t after,
                                           std::chrono::seconds now) {
  expire(now);
  auto tap =
      std::find_if(taps_.begin(), taps_.end(), [&](const Tap &each) { return each.of == of && each.name == name; });
  if (tap == taps_.end()) {
    if (taps_.size() >= kMaxTaps) return std::nullopt;
    tap = taps_.insert(taps_.end(), Tap{of, std::string(name), now, 0, {}});
  }
  tap->asked_at = now;
  std::string events = "[";
  std::uint64_t number = tap->last - tap->events.size();
  for (const std::string &event : tap->events)
    if (++number > after || after > tap->last) json::append_raw_element(events, event); // of a tap before this one
  return R"({"next":)" + std::to_string(tap->last) + R"(,"events":)" + events + "]}";
}

void EventTaps::passed(const LiveEvent &event) {
  for (Tap &tap : taps_) {
    if (tap.of == Of::topic && tap.name != event.topic) continue;
    const std::size_t count = receivers(tap, event);
    if (tap.of == Of::user && count == 0) continue;
    tap.events.push_back(text_of(event, count));
    ++tap.last;
    if (tap.events.size() > kKept) tap.events.pop_front();
  }
}

// The channels that the event reached: all, or those of the user.
std::size_t EventTaps::receivers(const Tap &tap, const LiveEvent &event) const {
  const auto channels = hub_.followers(event.topic);
  if (tap.of == Of::topic) return channels.size();
  return static_cast<std::size_t>(std::count_if(channels.begin(), channels.end(), [&](const Channel *channel) {
    return channel->claims()->user_id == tap.name;
  }));
}

std::string EventTaps::text_of(const LiveEvent &event, std::size_t receivers) const {
  std::string text = "{";
  json::append_member(text, "position", format_position(event.position));
  json::append_member(text, "topic", event.topic);
  json::append_member(text, "event", event.event);
  json::append_raw_member(text, "durable", event.durable ? "true" : "false");
  json::append_raw_member(text, "bytes", std::to_string(event.payload.size()));
  json::append_raw_member(text, "receivers", std::to_string(receivers));
  if (payloads_ == Payloads::shown && event.payload.size() <= kMaxPayloadBytes)
    json::append_raw_member(text, "payload", event.payload);
  return text.append("}");
}

void EventTaps::expire(std::chrono::seconds now) {
  std::erase_if(taps_, [now](const Tap &tap) { return now - tap.asked_at > kKeptFor; });
}

} // namespace pg_live
