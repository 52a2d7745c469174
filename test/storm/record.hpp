// What the writers did and what the listener got: the two sides that are compared when the storm is over.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

namespace pg_live::storm {

using Clock = std::chrono::steady_clock;

// Names an event of the storm; it stands in the payload.
struct EventKey {
  int writer;
  int transaction; // of this writer
  int number;      // in its transaction
  auto operator<=>(const EventKey &) const = default;
};

struct EmittedEvent {
  int number;
  std::int64_t id;
  int topic;
  bool durable;
  Clock::time_point sent; // before the call
};

enum class Outcome { committed, rolled_back, in_doubt };

struct WrittenTransaction {
  int writer = 0;
  int number = 0;
  std::vector<EmittedEvent> events; // without those of savepoints that were rolled back
  Outcome outcome = Outcome::rolled_back;
  Clock::time_point began;
  Clock::time_point commit_sent;
  std::optional<Clock::time_point> acknowledged; // unset when the connection was lost instead
};

struct DeliveredEvent {
  std::int64_t batch;
  std::int64_t id;
  int topic;
  bool durable;
  EventKey key;
};

} // namespace pg_live::storm
