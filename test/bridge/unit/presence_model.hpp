// The database as far as connections and members of channels go, and the way to it, in memory: for tests of what is
// told it in which order. Does what live_private.connect_users(), live_private.store_channel_presence(),
// live_private.disconnect_users() and live_private.retire_node() do, called in the order of bridge/presence.cpp. The
// test decides what is held up or gets lost.
#pragma once

#include "presence/presence_queue.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pg_live {

inline constexpr std::string_view kRefusedMeta = "refused"; // metadata that the database takes for out of bounds

class PresenceModel {
 public:
  // What becomes of a part of a batch. When the way to the database breaks, it was done or not.
  enum class Outcome { done, locked, broken_done, broken_undone };
  struct Stored {
    TrackedMember member;
    int node = 0; // 0: none, it waits for its client
  };

  PresenceModel(PresenceQueue &queue, MemberOwner &owner) : queue_(queue), owner_(owner) {}

  std::set<std::string> locked_users;    // by an open transaction, with their members
  std::map<std::string, Stored> members; // by ref
  std::map<Uuid, int> connections;       // the node that holds it; 0: none, it waits for its client
  std::deque<std::string> signals;       // refs of members that are gone; the bridge has not heard of it

  int node() const { return node_; }

  void send() {
    batch_ = queue_.start_batch();
    to_do_ = {PresencePart::broken, PresencePart::connects, PresencePart::members, PresencePart::closed};
  }

  // The database comes to the next part of the batch.
  bool has_to_do() const { return !to_do_.empty(); }
  void execute(Outcome outcome) {
    const PresencePart part = to_do_.front();
    to_do_.pop_front();
    if (outcome == Outcome::locked) answers_.push_back({part, true, false, {}});
    if (outcome == Outcome::done || outcome == Outcome::broken_done) answers_.push_back(apply(part));
    is_broken_ = outcome == Outcome::broken_done || outcome == Outcome::broken_undone;
    if (!is_broken_) return;
    if (outcome == Outcome::broken_done) answers_.pop_back(); // nobody hears of it
    to_do_.clear();
  }

  // The bridge hears of the next part; after all of them the batch is finished.
  bool has_answers() const { return !answers_.empty(); }
  void hear_answer();

  // Whether all of a batch is answered, as far as it will be. Broken: the node starts over then.
  bool is_idle() const { return to_do_.empty() && answers_.empty(); }
  bool is_broken() const { return is_broken_; }
  void start_over() {
    is_broken_ = false;
    ++node_;
  }

  // Deadlines: what waits for its client, or was held by a node that is retired, is over.
  void expire();

 private:
  struct Answer {
    PresencePart part;
    bool locked = false;
    bool refused = false;
    std::vector<std::string> held = {};
  };

  Answer apply(PresencePart part);
  Answer store_members();
  Answer disconnect(PresencePart part);
  void drop(const std::string &ref) {
    if (members.erase(ref) > 0) signals.push_back(ref);
  }
  bool is_held(const std::string &ref) const {
    const auto member = members.find(ref);
    return member != members.end() && locked_users.contains(member->second.member.user_id);
  }
  bool is_left_behind(const Stored &stored) const { return stored.node != node_; }
  std::string left_behind_by(const TrackedMember &member) const;

  PresenceQueue &queue_;
  MemberOwner &owner_;
  PresenceBatch batch_;
  std::deque<PresencePart> to_do_;
  std::deque<Answer> answers_;
  bool is_broken_ = false;
  int node_ = 1;
};

inline void PresenceModel::hear_answer() {
  const Answer answer = std::move(answers_.front());
  answers_.pop_front();
  const LockedNames held(answer.held.begin(), answer.held.end());
  if (answer.locked) {
    queue_.postpone(answer.part);
  } else if (answer.refused) {
    queue_.members_refused(owner_, {"22023", "out of bounds", ""}, {});
  } else if (answer.part == PresencePart::members) {
    queue_.members_stored(owner_, held);
  } else {
    queue_.note_done(answer.part, held);
  }
}

inline PresenceModel::Answer PresenceModel::apply(PresencePart part) {
  if (part == PresencePart::members) return store_members();
  if (part != PresencePart::connects) return disconnect(part);
  Answer answer{part};
  for (const auto &[id, connection] : batch_.connects) {
    if (connections.contains(id) && locked_users.contains(connection.user_id)) {
      answer.held.push_back(id.text());
    } else {
      connections[id] = node_;
    }
  }
  return answer;
}

inline PresenceModel::Answer PresenceModel::store_members() {
  Answer answer{PresencePart::members};
  const auto is_refused = [](const auto &entry) { return entry.second.meta == kRefusedMeta; };
  answer.refused = std::any_of(batch_.tracked.begin(), batch_.tracked.end(), is_refused);
  if (answer.refused) return answer;
  for (const std::string &ref : batch_.untracked) {
    if (is_held(ref)) {
      answer.held.push_back(ref);
    } else {
      drop(ref);
    }
  }
  for (const auto &[ref, member] : batch_.tracked) {
    if (locked_users.contains(member.user_id) || is_held(member.previous_ref)) {
      answer.held.push_back(ref);
      continue;
    }
    drop(member.previous_ref);
    const bool is_new = !members.contains(ref);
    members[ref] = {member, node_};
    if (is_new && member.previous_ref.empty()) drop(left_behind_by(member));
  }
  return answer;
}

// The place that a client which comes back has left; empty: none.
inline std::string PresenceModel::left_behind_by(const TrackedMember &member) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto &entry) {
    const TrackedMember &other = entry.second.member;
    return is_left_behind(entry.second) && other.key == member.key && other.topic == member.topic &&
           other.user_id == member.user_id;
  });
  return found == members.end() ? "" : found->first;
}

inline PresenceModel::Answer PresenceModel::disconnect(PresencePart part) {
  Answer answer{part};
  const bool clean = part == PresencePart::closed;
  for (const Uuid &id : clean ? batch_.closed : batch_.broken) {
    if (const auto connection = connections.find(id); connection != connections.end() && connection->second != 0) {
      if (clean) {
        connections.erase(connection);
      } else {
        connection->second = 0;
      }
    }
    for (auto member = members.begin(); member != members.end();) {
      const auto next = std::next(member);
      if (member->second.member.connection == id && is_held(member->first)) {
        answer.held.push_back(id.text());
      } else if (member->second.member.connection == id) {
        member->second.node = 0;
        if (clean) drop(std::string(member->first));
      }
      member = next;
    }
  }
  return answer;
}

inline void PresenceModel::expire() {
  std::erase_if(connections, [&](const auto &connection) { return connection.second != node_; });
  for (auto member = members.begin(); member != members.end();) {
    const auto next = std::next(member);
    if (is_left_behind(member->second)) drop(std::string(member->first));
    member = next;
  }
}

} // namespace pg_live
