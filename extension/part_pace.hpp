// When the next part of what is held may be stored. With parts of 1,000 events these are 50,000 events a second at
// most, which leaves bridges and clients time for the other topics. A part waits for the bridges that are behind, so
// that what others emit meanwhile stands behind one part and not behind all of them; but it does not wait for ever.
#pragma once

#include "await_batch.hpp"
#include "chore.hpp"
#include "shared_state.hpp"

#include <optional>

namespace pg_live {

class PartPace {
 public:
  bool is_due(DatabaseState &state, Clock::time_point now) const {
    if (!holds_parts_) return true;
    const auto elapsed = now - last_;
    return elapsed >= longest_pause || (elapsed >= shortest_pause && everyone_is_caught_up(state));
  }

  void note_part(DatabaseState &state, Clock::time_point now) {
    last_ = now;
    state.holds_parts = holds_parts_ = true;
  }

  void note_end(DatabaseState &state) { state.holds_parts = holds_parts_ = false; }

  // When it is worth another look, unless a bridge rings before; nothing: never.
  std::optional<Clock::time_point> next_look(DatabaseState &state) const {
    if (!holds_parts_) return std::nullopt;
    const bool waits_for_all = Clock::now() - last_ >= shortest_pause && !everyone_is_caught_up(state);
    return last_ + (waits_for_all ? longest_pause : shortest_pause);
  }

 private:
  static constexpr std::chrono::milliseconds shortest_pause{20};
  static constexpr std::chrono::milliseconds longest_pause{100};

  bool holds_parts_ = false; // as far as is known
  Clock::time_point last_{}; // when a part was stored, while it holds some
};

} // namespace pg_live
