// Which waiting command goes to which connection next: one lane of the pool, fair between users.
//
// Invariants: a connection works for one user at a time, so no command waits behind one of another user. The exception
// is a crowd: while enough users wait to fill every connection's pipeline, quick commands of several users share a
// connection, which saves the server a round trip between them. Users take turns; a user occupies at most
// connections_of_user connections, and the caller of admit() bounds how many of its commands wait. If a user may occupy
// one connection only, its commands keep their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

struct LaneLimits {
  std::size_t connections = 1;
  std::size_t connections_of_user = 1; // at once
  std::size_t depth = 1;               // unanswered commands of one user on one connection
  std::size_t depth_in_crowd = 1;      // users whose quick commands share a connection while a crowd waits
};

template <typename Item>
class Lane {
 public:
  // `is_quick`: whether items of other users may be sent behind this one; without it, none may.
  explicit Lane(LaneLimits limits, std::function<bool(const Item &)> is_quick = {})
      : limits_(limits), is_quick_(std::move(is_quick)), slots_(limits.connections) {}

  // Queues the item; false, leaving it untouched, if the user already has `max_waiting` items in the queue.
  bool admit(const std::string &user, Item &item, std::size_t max_waiting) {
    const auto [found, is_new] = lines_.try_emplace(user);
    Line &line = found->second;
    if (line.waiting.size() >= max_waiting) {
      drop_if_idle(found);
      return false;
    }
    line.waiting.push_back(std::move(item));
    line_up(user, line);
    return true;
  }

  // Returns a popped item to the front of its user's queue.
  void put_back(const std::string &user, Item item) {
    Line &line = lines_[user];
    line.waiting.push_front(std::move(item));
    line_up(user, line);
  }

  // Removes and returns the next item for this connection, if there is one. The caller reports each with answered(), in
  // the order of the calls, or with withdrawn().
  std::optional<Item> pop(std::size_t connection) {
    Slot &slot = slots_[connection];
    if (slot.shares.size() == 1)
      if (auto item = pop_more(slot)) return item;
    if (turns_.empty() || (!slot.shares.empty() && !may_share(slot))) return std::nullopt;
    Share &share = slot.shares.emplace_back(std::move(turns_.front()));
    turns_.pop_front();
    Line &line = lines_.at(share.user);
    line.has_turn = false;
    ++line.connections;
    return pop_from(slot, line);
  }

  // The oldest item popped for this connection was answered, or was put back.
  void answered(std::size_t connection) {
    std::deque<Share> &shares = slots_[connection].shares;
    if (--shares.front().sent > 0) return;
    release(shares.front().user);
    shares.pop_front();
  }

  // The newest item popped for this connection was not sent.
  void withdrawn(std::size_t connection) {
    std::deque<Share> &shares = slots_[connection].shares;
    if (--shares.back().sent > 0) return;
    release(shares.back().user);
    shares.pop_back();
  }

  // Removes items from the front of each user's queue while the condition is true of them.
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
    std::size_t connections = 0; // working for the user
    bool has_turn = false;       // the user is in turns_
    bool is_idle() const { return waiting.empty() && connections == 0; }
  };
  using Lines = std::unordered_map<std::string, Line>;

  // What one user has sent to a connection.
  struct Share {
    explicit Share(std::string whose) : user(std::move(whose)) {}
    std::string user;
    std::size_t sent = 0;   // not answered
    std::size_t popped = 0; // in this turn
    bool is_quick = true;   // of all that were popped
  };

  struct Slot {
    std::deque<Share> shares;
  };

  // Another item of the user that the connection works for.
  std::optional<Item> pop_more(Slot &slot) {
    const Share &share = slot.shares.front();
    Line &line = lines_.at(share.user);
    const bool turn_is_over = share.popped >= kTurn && !turns_.empty();
    if (share.sent >= limits_.depth || turn_is_over || line.waiting.empty()) return std::nullopt;
    return pop_from(slot, line);
  }

  // Whether the next user's item may be sent behind those in flight on this connection.
  bool may_share(const Slot &slot) const {
    return is_quick_ && slot.shares.size() < limits_.depth_in_crowd &&
           turns_.size() >= limits_.connections * limits_.depth_in_crowd &&
           std::all_of(slot.shares.begin(), slot.shares.end(), [](const Share &each) { return each.is_quick; }) &&
           is_quick_(lines_.at(turns_.front()).waiting.front());
  }

  std::optional<Item> pop_from(Slot &slot, Line &line) {
    Share &share = slot.shares.back();
    std::optional<Item> item(std::move(line.waiting.front()));
    line.waiting.pop_front();
    ++share.sent;
    ++share.popped;
    if (is_quick_ && !is_quick_(*item)) share.is_quick = false;
    if (line.waiting.empty() && std::exchange(line.has_turn, false)) std::erase(turns_, share.user);
    line_up(share.user, line);
    return item;
  }

  void release(const std::string &user) {
    const auto found = lines_.find(user);
    --found->second.connections;
    line_up(found->first, found->second);
    drop_if_idle(found);
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
  std::function<bool(const Item &)> is_quick_;
  std::vector<Slot> slots_;
  Lines lines_;                   // by user
  std::deque<std::string> turns_; // users with waiting items and fewer connections than the limit
};

} // namespace pg_live
