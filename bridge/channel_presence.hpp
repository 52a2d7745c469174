// Phoenix presence: who is tracked in the channels of this process, here and at other bridges.
// The database holds the truth. A topic's roster is read once, when the first channel here wants it, under a snapshot;
// from then on it follows the signals of the transactions that the snapshot does not hold. Invariants: a channel gets
// one presence_state and then every diff from there on; what a channel tracks is stored one change at a time, the
// latest wish wins, and every wish is answered.
#pragma once

#include "live_event.hpp"
#include "presence.hpp"
#include "roster.hpp"
#include "services.hpp"
#include "xid_snapshot.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

class Channel;
class ChannelPresence;
struct TopicRoster;

// The place of one channel in the presence of its topic. Owned by the channel, left when destroyed.
class PresenceSeat {
 public:
  PresenceSeat(ChannelPresence &presence, Channel &channel, std::string key)
      : presence_(presence), channel_(channel), key_(std::move(key)) {}
  ~PresenceSeat();
  PresenceSeat(const PresenceSeat &) = delete;
  PresenceSeat &operator=(const PresenceSeat &) = delete;

  // Whether the channel was told who is there.
  bool told() const { return told_; }

 private:
  friend class ChannelPresence;
  struct Tracked {
    std::string ref; // empty: nothing
    std::string user_id;
    std::string meta;
  };
  ChannelPresence &presence_;
  Channel &channel_;
  std::string key_;
  TopicRoster *roster_ = nullptr; // null: neither told nor tracked yet
  bool told_ = false;             // has the state, and every diff since
  bool tell_twice_ = false;       // the client may hold diffs of the channel it left
  std::string told_user_;         // on whose behalf it was told
  bool lost_ = false;             // the database has let go of what is stored
  Tracked stored_;
  Tracked sending_;                 // on its way to the database
  std::optional<std::string> wish_; // what the client wants to be tracked as; nothing: not at all
  std::vector<std::string> wish_refs_;
  std::vector<std::string> sending_refs_; // messages to be answered
};

class ChannelPresence final : public PresenceHolder {
 public:
  ChannelPresence(Services &services, Presence &presence);
  ~ChannelPresence() override;

  // After a join. enabled: the channel is told who is there. The key is the client's, or empty.
  void join(Channel &channel, std::string_view key, bool enabled);
  // A `presence` message of the client.
  void take(Channel &channel, const std::string &ref, std::string_view payload);
  // The channel's token or its access has changed.
  void check(Channel &channel);

  // An event on $channel:<topic>.
  void take_change(const LiveEvent &event);
  // Signals may have been lost.
  void resync();

  void hold_everything() override;
  bool holds(const std::string &ref) const override;
  void stored(const std::string &ref) override;
  void refused(const std::string &ref, const DatabaseError &error) override;

 private:
  friend class PresenceSeat;
  void enable(PresenceSeat &seat);
  void leave(PresenceSeat &seat);
  std::string refusal_of(const PresenceSeat &seat, const std::optional<std::string> &wish) const;
  void advance(PresenceSeat &seat);
  void store(PresenceSeat &seat, const PresenceSeat::Tracked &tracked, const std::string &previous_ref);
  void forget(PresenceSeat::Tracked &tracked);

  TopicRoster &roster_of(const std::string &topic, bool is_private);
  void read(TopicRoster &roster, bool keep_missing);
  void read_next();
  void take_roster(const std::string &name, std::uint64_t reading, const CommandResult &result);
  void lost(const std::string &ref, bool by_user);
  void flush_soon(TopicRoster &roster, Milliseconds delay);
  void flush_due();
  void flush(TopicRoster &roster);
  void flush_counted(TopicRoster &roster);

  Services &services_;
  Presence &presence_;
  std::string ref_prefix_;
  std::uint64_t last_ref_ = 0;
  std::uint64_t last_reading_ = 0;
  std::deque<std::string> to_read_;                                       // names of rosters
  unsigned reading_ = 0;                                                  // questions on their way
  std::unordered_map<std::string, PresenceSeat *> by_ref_;                // what is stored, or on its way
  std::unordered_map<std::string, std::unique_ptr<TopicRoster>> rosters_; // by name: see name_of()
  std::set<std::pair<std::uint64_t, TopicRoster *>> due_;                 // rosters to flush, by Loop::now()
  LoopTimer flush_timer_;
  LoopTimer read_timer_;
  LoopTimer resync_timer_;
};

} // namespace pg_live
