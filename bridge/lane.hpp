// Which waiting command goes to which connection next: one lane of the pool, fair between users.
//
// Invariants: a connection works for one user at a time, so no command ever stands behind one of another user; users
// take turns; a user holds no more connections at once than the limit, and has no more commands waiting than it was
// admitted with. Commands of a user with one connection keep their order.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

struct LaneLimits {
  std::size_t connections = 1;
  std::size_t connections_of_user = 1; // at once
  std::size_t depth = 1;               // commands sent to one connection and not answered
};

template <typename Item>
class Lane {
 public:
  explicit Lane(LaneLimits limits) : limits_(limits), slots_(limits.connections) {}

  // Takes the item, unless so many of the user's wait.
  bool admit(const std::string &user, Item &item, std::size_t most_waiting) {
    const auto [found, is_new] = lines_.try_emplace(user);
    Line &line = found->second;
    if (line.waiting.size() >= most_waiting) {
      drop_if_idle(found);
      return false;
    }
    line.waiting.push_back(std::move(item));
    line_up(user, line);
    return true;
  }

  // Puts an item that was taken before the others of its user.
  void put_back(const std::string &user, Item item) {
    Line &line = lines_[user];
    line.waiting.push_front(std::move(item));
    line_up(user, line);
  }

  // The item that goes to this connection now, if one does. Each is followed by answered().
  std::optional<Item> take(std::size_t connection) {
    Slot &slot = slots_[connection];
    if (slot.sent > 0) return take_more(slot);
    if (turns_.empty()) return std::nullopt;
    slot.user = std::move(turns_.front());
    turns_.pop_front();
    Line &line = lines_.at(slot.user);
    line.has_turn = false;
    ++line.connections;
    slot.taken = 0;
    return take_from(slot, line);
  }

  // An item that was taken for this connection is done, or was put back.
  void answered(std::size_t connection) {
    Slot &slot = slots_[connection];
    if (--slot.sent > 0) return;
    const auto found = lines_.find(slot.user);
    --found->second.connections;
    line_up(found->first, found->second);
    drop_if_idle(found);
  }

  // Takes out those first of each user's line that the condition is true of.
  template <typename Condition>
  std::vector<Item> remove_first(Condition condition) {
    std::vector<Item> removed;
    for (auto &[user, line] : lines_)
      while (!line.waiting.empty() && condition(line.waiting.front())) {
        removed.push_back(std::move(line.waiting.front()));
        line.waiting.pop_front();
      }
    std::erase_if(turns_, [&](const std::string &user) {
      Line &line = lines_.at(user);
      line.has_turn = !line.waiting.empty();
      return !line.has_turn;
    });
    std::erase_if(lines_, [](const auto &each) { return each.second.is_idle(); });
    return removed;
  }

 private:
  static constexpr std::size_t kTurn = 16; // items of one user in a row while others wait

  struct Line {
    std::deque<Item> waiting;
    std::size_t connections = 0; // that work for the user
    bool has_turn = false;       // stands in turns_
    bool is_idle() const { return waiting.empty() && connections == 0; }
  };
  using Lines = std::unordered_map<std::string, Line>;

  struct Slot {
    std::string user;
    std::size_t sent = 0;  // not answered
    std::size_t taken = 0; // in this turn
  };

  std::optional<Item> take_more(Slot &slot) {
    Line &line = lines_.at(slot.user);
    const bool turn_is_over = slot.taken >= kTurn && !turns_.empty();
    if (slot.sent >= limits_.depth || turn_is_over || line.waiting.empty()) return std::nullopt;
    return take_from(slot, line);
  }

  std::optional<Item> take_from(Slot &slot, Line &line) {
    std::optional<Item> item(std::move(line.waiting.front()));
    line.waiting.pop_front();
    ++slot.sent;
    ++slot.taken;
    if (line.waiting.empty() && std::exchange(line.has_turn, false)) std::erase(turns_, slot.user);
    line_up(slot.user, line);
    return item;
  }

  void line_up(const std::string &user, Line &line) {
    if (line.has_turn || line.waiting.empty() || line.connections >= limits_.connections_of_user) return;
    line.has_turn = true;
    turns_.push_back(user);
  }

  void drop_if_idle(typename Lines::iterator line) {
    if (line->second.is_idle()) lines_.erase(line);
  }

  LaneLimits limits_;
  std::vector<Slot> slots_;
  Lines lines_;                   // by user
  std::deque<std::string> turns_; // users with something waiting who may have another connection
};

} // namespace pg_live
