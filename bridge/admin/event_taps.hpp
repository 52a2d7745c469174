// The live events of one topic or of one user, as an operator follows them.
// Invariants: a bounded number is followed, each for as long as somebody asks for its events, and a bounded number of
// events is kept of each; while nothing is followed, events cost one comparison. Payloads are kept only if the settings
// say so.
#pragma once

#include "channel/hub.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

enum class Payloads : unsigned char { hidden, shown };

class EventTaps final : public EventObserver {
 public:
  enum class Of : unsigned char { topic, user };

  static constexpr std::size_t kMaxTaps = 8;
  static constexpr std::size_t kKept = 100; // events of each
  static constexpr std::chrono::seconds kKeptFor{15};
  static constexpr std::size_t kMaxPayloadBytes = 2000;

  EventTaps(const Hub &hub, Payloads payloads) : hub_(hub), payloads_(payloads) {}

  // The events after the one of that number, as JSON: {"next": <number to ask with>, "events": [...]}. The first call
  // begins to follow. Nothing if too many are followed.
  std::optional<std::string> read(Of of, std::string_view name, std::uint64_t after, std::chrono::seconds now);

  bool is_watching() const override { return !taps_.empty(); }
  void passed(const LiveEvent &event) override;

  // Forgets those for which nobody asks any more.
  void expire(std::chrono::seconds now);

 private:
  struct Tap {
    Of of;
    std::string name;
    std::chrono::seconds asked_at;
    std::uint64_t last = 0;         // number of the newest event
    std::deque<std::string> events; // JSON, up to `last`
  };

  std::size_t receivers(const Tap &tap, const LiveEvent &event) const;
  std::string text_of(const LiveEvent &event, std::size_t receivers) const;

  const Hub &hub_;
  Payloads payloads_;
  std::vector<Tap> taps_;
};

} // namespace pg_live
