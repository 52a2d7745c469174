// Phoenix presence: who is tracked in the channels of this process, here and at other bridges.
// The database holds the truth. A topic's roster is read once, when the first channel here wants it, under a snapshot;
// from then on it follows the signals of the transactions that the snapshot does not hold. Invariant: a channel gets
// one presence_state and then every diff from there on.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"
#include "database/command.hpp"
#include "presence/placed_list.hpp"
#include "presence/roster.hpp"
#include "presence/tracker.hpp"
#include "presence/xid_snapshot.hpp"
#include "wire/live_event.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

class ChannelPresence;
struct TopicRoster;

// The place of one channel in the presence of its topic. Owned by the channel.
class PresenceSeat final : public Seat, public TrackedChannel, public Placed {
 public:
  PresenceSeat(ChannelPresence &presence, Channel &channel, std::string key);
  ~PresenceSeat() override;
  PresenceSeat(const PresenceSeat &) = delete;
  PresenceSeat &operator=(const PresenceSeat &) = delete;

  bool told() const override { return told_; }

  const std::string &user_id() const override;
  const Uuid &connection() const override;
  bool is_settled() const override;
  TrackedMember member() override;
  void answer(const std::string &message_ref, const std::optional<DatabaseError> &error) override;

 private:
  friend class ChannelPresence;
  ChannelPresence &presence_;
  Channel &channel_;
  std::string key_;               // that the client chose; empty: its user id
  std::string anonymous_key_;     // made when needed
  TopicRoster *roster_ = nullptr; // null: neither told nor tracked yet
  bool told_ = false;             // has the state, and every diff since
  bool waits_ = false;            // for room to be told the state in
  bool tell_twice_ = false;       // the client may hold diffs of the channel it left
  std::string told_user_;         // on whose behalf it was told
  Tracking tracking_;
};

// The roster of one topic in this process, with those who are told of it.
struct TopicRoster {
  std::string topic;
  bool is_private = false;
  Roster members;
  std::optional<XidSnapshot> snapshot; // that the members were read under; nothing: not read yet
  std::vector<std::string> held;       // changes that came while they were being read, as JSON
  PlacedList<PresenceSeat> seats;
  std::uint64_t reading = 0;  // which answer is waited for; 0: none
  bool keep_missing = false;  // members that the answer does not have may come back
  bool counted = false;       // too many members: their number is told instead
  std::size_t told_count = 0; // of members
  std::uint64_t told_at = 0;  // Loop::now() of the last count
  std::uint64_t flush_at = 0; // Loop::now(); 0: nothing to tell

  // What it is found by.
  std::string name() const { return (is_private ? "private:" : "public:") + topic; }
};

class ChannelPresence {
 public:
  ChannelPresence(Services &services, PresenceQueue &queue);
  ~ChannelPresence();

  // After a join. enabled: the channel is told who is there. The key is the client's, or empty.
  void join(Channel &channel, std::string_view key, bool enabled);
  // A `presence` message of the client.
  void take(Channel &channel, const Message &message);
  // The channel's token or its access has changed.
  void check(Channel &channel);

  // An event on $channel:<topic>.
  void take_change(const LiveEvent &event);
  // Signals may have been lost.
  void resync();

  Tracker &tracker() { return tracker_; }

 private:
  friend class PresenceSeat;
  void enable(PresenceSeat &seat);
  void leave(PresenceSeat &seat);
  static bool may_track(const PresenceSeat &seat);

  TopicRoster &roster_of(const std::string &topic, bool is_private);
  void read(TopicRoster &roster, bool keep_missing);
  void read_next();
  void take_roster(const std::string &name, std::uint64_t reading, const CommandResult &result);
  void flush_soon(TopicRoster &roster, Milliseconds delay);
  void flush_due();
  void flush(TopicRoster &roster);
  void flush_counted(TopicRoster &roster);
  void tell_when_drained(PresenceSeat &seat);

  Services &services_;
  Tracker tracker_;
  std::uint64_t last_reading_ = 0;
  std::deque<std::string> to_read_;                                       // names of rosters
  unsigned reading_ = 0;                                                  // questions on their way
  std::unordered_map<std::string, std::unique_ptr<TopicRoster>> rosters_; // by TopicRoster::name()
  std::set<std::pair<std::uint64_t, TopicRoster *>> due_;                 // rosters to flush, by Loop::now()
  LoopTimer flush_timer_;
  LoopTimer read_timer_;
  LoopTimer resync_timer_;
};

} // namespace pg_live
