// Phoenix presence: the rosters of the topics joined in this process, with members tracked here and at other bridges.
// The database is the source of truth. A topic's roster is read once, under a snapshot, when its first channel enables
// presence; after that it follows the signals of transactions that the snapshot does not see. Invariant: a channel is
// sent one presence_state and then every later diff.
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

  bool has_state() const override { return has_state_; }

  const std::string &user_id() const override;
  const Uuid &connection() const override;
  Allowance &allowance() override;
  bool is_settled() const override;
  TrackedMember create_member() override;
  void answer(const std::string &message_ref, const std::optional<DatabaseError> &error) override;

 private:
  friend class ChannelPresence;
  ChannelPresence &presence_;
  Channel &channel_;
  std::string key_;               // chosen by the client; empty: its user id
  std::string anonymous_key_;     // generated on first use
  TopicRoster *roster_ = nullptr; // null until enable()
  bool has_state_ = false;        // was sent the state, and every diff since
  bool waits_ = false;            // waits until its connection has room for the state
  bool send_twice_ = false;       // the client may have buffered diffs of the channel it left
  std::string state_user_;        // the user for whom the state was made
  Tracking tracking_;
};

// What a read does with members that its answer lacks: after a crash they may come back.
enum class Missing : unsigned char { removed, kept };

// The roster of one topic in this process, and the channels that follow it.
struct TopicRoster {
  std::string topic;
  TopicKind kind = TopicKind::room;
  Roster members;
  std::optional<XidSnapshot> snapshot; // under which the members were read; nothing: not read yet
  std::vector<std::string> buffered;   // changes that came while they were being read, as JSON
  PlacedList<PresenceSeat> seats;
  std::uint64_t reading = 0; // number of the read on its way; 0: none
  Missing missing = Missing::removed;
  bool counted = false;       // too many members: channels are sent their number only
  std::size_t sent_count = 0; // the number of members last sent
  std::uint64_t sent_at = 0;  // Loop::now() of the last count
  std::uint64_t flush_at = 0; // Loop::now() of the next flush; 0: none is due

  // Its key in ChannelPresence::rosters_.
  static std::string name_of(std::string_view topic, TopicKind kind) {
    return std::string(kind == TopicKind::database ? "private:" : "public:").append(topic);
  }
  std::string name() const { return name_of(topic, kind); }
};

class ChannelPresence {
 public:
  ChannelPresence(Services &services, PresenceQueue &queue);
  ~ChannelPresence();

  // Called after a join of a channel that takes part. The key is chosen by the client, or empty.
  void join(Channel &channel, std::string_view key);
  // From now on the channel is sent who is there.
  void enable(Channel &channel);
  // Handles a `presence` message of the client.
  void handle(Channel &channel, const Message &message);
  // Follows a change of the channel's token or of its access.
  void check(Channel &channel);

  // Applies an event on $channel:<topic> to the roster.
  void apply_event(const LiveEvent &event);
  // Reads all rosters again: signals may have been lost.
  void resync();

  Tracker &tracker() { return tracker_; }

 private:
  friend class PresenceSeat;
  void enable(PresenceSeat &seat);
  void leave(PresenceSeat &seat);
  static bool may_track(const PresenceSeat &seat);

  TopicRoster &roster_of(const std::string &topic, TopicKind kind);
  void read(TopicRoster &roster, Missing missing);
  void read_next();
  void finish_reading(const std::string &name, std::uint64_t reading, const CommandResult &result);
  void flush_soon(TopicRoster &roster, Milliseconds delay);
  void flush_due();
  void flush(TopicRoster &roster);
  void flush_counted(TopicRoster &roster);
  void flush_when_drained(PresenceSeat &seat);

  Services &services_;
  Tracker tracker_;
  std::uint64_t last_reading_ = 0;
  std::deque<std::string> to_read_;                                       // names of rosters
  unsigned reading_ = 0;                                                  // reads on their way
  std::unordered_map<std::string, std::unique_ptr<TopicRoster>> rosters_; // by TopicRoster::name()
  std::set<std::pair<std::uint64_t, TopicRoster *>> due_;                 // rosters to flush, by Loop::now()
  LoopTimer flush_timer_;
  LoopTimer read_timer_;
  LoopTimer resync_timer_;
};

} // namespace pg_live
