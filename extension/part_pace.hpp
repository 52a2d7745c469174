// When the next part of deferred transactions (hold.sql) may be published. Parts of 1,000 events make 50,000 events a
// second at most, which leaves bridges and clients time for other topics. A part waits, up to a limit, for bridges that
// are behind, so that events of other transactions queue behind one part and not behind all.
#pragma once

#include "await_batch.hpp"
#include "chore.hpp"
#include "shared_state.hpp"

#include <optional>

namespace pg_live {

class PartPace {
 public:
  bool is_due(DatabaseState &state, Clock::time_point now) const {
    if (!has_deferred_parts_) return true;
    const auto elapsed = now - last_;
    return elapsed >= longest_pause || (elapsed >= shortest_pause && all_are_caught_up(state));
  }

  void note_part(DatabaseState &state, Clock::time_point now) {
    last_ = now;
    state.has_deferred_parts = has_deferred_parts_ = true;
  }

  void note_end(DatabaseState &state) { state.has_deferred_parts = has_deferred_parts_ = false; }

  // When to look again, unless a bridge rings before; nullopt for never.
  std::optional<Clock::time_point> next_look(DatabaseState &state) const {
    if (!has_deferred_parts_) return std::nullopt;
    const bool waits_for_all = Clock::now() - last_ >= shortest_pause && !all_are_caught_up(state);
    return last_ + (waits_for_all ? longest_pause : shortest_pause);
  }

 private:
  static constexpr std::chrono::milliseconds shortest_pause{20};
  static constexpr std::chrono::milliseconds longest_pause{100};

  bool has_deferred_parts_ = false; // as of the last pass
  Clock::time_point last_{};        // when the last part was stored
};

} // namespace pg_live
