// What the channels of this process want to be tracked as, and getting it stored.
#include "channel_presence.hpp"

#include "client_error.hpp"
#include "connection.hpp"
#include "json.hpp"
#include "topic_roster.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMostWishes = 100; // of one channel, unanswered

std::string default_key(const Channel &channel) {
  const std::string &user_id = channel.claims()->user_id;
  return user_id.empty() ? Uuid::random().text() : user_id;
}

} // namespace

PresenceSeat::~PresenceSeat() { presence_.leave(*this); }

ChannelPresence::ChannelPresence(Services &services, Presence &presence)
    : services_(services), presence_(presence), ref_prefix_(Uuid::random().text().substr(0, 13) + "."),
      flush_timer_(services.loop, [this] { flush_due(); }), read_timer_(services.loop, [this] { read_next(); }),
      resync_timer_(services.loop, [this] {
        for (const auto &[name, roster] : rosters_)
          read(*roster, false);
      }) {}

ChannelPresence::~ChannelPresence() = default;

void ChannelPresence::join(Channel &channel, std::string_view key, bool enabled) {
  if (!enabled && key.empty()) return;
  channel.set_seat(
      std::make_unique<PresenceSeat>(*this, channel, key.empty() ? default_key(channel) : std::string(key)));
  channel.seat()->tell_twice_ = channel.connection().conversation().told_lately(channel.wire_topic());
  if (enabled) enable(*channel.seat());
}

void ChannelPresence::enable(PresenceSeat &seat) {
  if (seat.roster_ != nullptr) return;
  TopicRoster &roster = roster_of(std::string(seat.channel_.topic()), seat.channel_.access().can_receive);
  seat.roster_ = &roster;
  roster.seats.push_back(&seat);
  flush_soon(roster, Milliseconds{services_.settings.presence.gather_milliseconds});
}

// When the connection ends, the database ends what it tracks together with the connection.
void ChannelPresence::leave(PresenceSeat &seat) {
  for (PresenceSeat::Tracked *tracked : {&seat.stored_, &seat.sending_}) {
    if (tracked->ref.empty()) continue;
    if (seat.channel_.connection().closing()) {
      presence_.forget(tracked->ref);
    } else {
      presence_.untrack(tracked->ref);
    }
    forget(*tracked);
  }
  if (seat.roster_ == nullptr) return;
  std::erase(seat.roster_->seats, &seat);
  if (!seat.roster_->seats.empty()) return;
  due_.erase({seat.roster_->flush_at, seat.roster_});
  rosters_.erase(seat.roster_->name());
}

void ChannelPresence::forget(PresenceSeat::Tracked &tracked) {
  if (!tracked.ref.empty()) by_ref_.erase(tracked.ref);
  tracked = {};
}

void ChannelPresence::take(Channel &channel, const std::string &ref, std::string_view payload) {
  const auto command = phoenix::parse_presence(payload);
  if (!command) return channel.reply_error(ref, "a presence message needs the event track or untrack");
  if (channel.seat() == nullptr) channel.set_seat(std::make_unique<PresenceSeat>(*this, channel, default_key(channel)));
  PresenceSeat &seat = *channel.seat();
  enable(seat);
  std::optional<std::string> wish;
  if (command->action == phoenix::PresenceCommand::Action::track) {
    if (!command->is_object) return channel.reply_error(ref, "Presence track payload must be a map");
    wish = command->payload;
  }
  if (const std::string refusal = refusal_of(seat, wish); !refusal.empty()) return channel.reply_error(ref, refusal);
  if (seat.wish_refs_.size() >= kMostWishes) return channel.reply_error(ref, "too many changes are waiting");
  seat.wish_ = std::move(wish);
  seat.wish_refs_.push_back(ref);
  advance(seat);
}

std::string ChannelPresence::refusal_of(const PresenceSeat &seat, const std::optional<std::string> &wish) const {
  if (wish && seat.roster_->is_private && seat.channel_.claims()->user_id.empty())
    return std::string("Unauthorized: You must be signed in to be present in this Channel topic: ")
        .append(seat.channel_.topic());
  return "";
}

void ChannelPresence::check(Channel &channel) {
  PresenceSeat *seat = channel.seat();
  if (seat == nullptr || seat->roster_ == nullptr) return;
  if (seat->roster_->is_private != channel.access().can_receive) {
    // The channel is in another room now: whoever is there is told anew, and the client says again what it is.
    for (const auto *refs : {&seat->sending_refs_, &seat->wish_refs_})
      for (const std::string &ref : *refs)
        channel.reply_error(ref, "access to the topic has changed");
    auto moved = std::make_unique<PresenceSeat>(*this, channel, seat->key_);
    channel.set_seat(std::move(moved));
    return enable(*channel.seat());
  }
  if (seat->told_ && seat->told_user_ != channel.claims()->user_id) { // who may know other hidden members
    seat->told_ = false;
    flush_soon(*seat->roster_, Milliseconds{0});
  }
  if (!refusal_of(*seat, seat->wish_).empty()) seat->wish_.reset();
  advance(*seat);
}

void ChannelPresence::advance(PresenceSeat &seat) {
  if (!seat.sending_.ref.empty()) return;
  const std::string &user_id = seat.channel_.claims()->user_id;
  const bool as_stored = seat.wish_ ? !seat.stored_.ref.empty() && !seat.lost_ && *seat.wish_ == seat.stored_.meta &&
                                          user_id == seat.stored_.user_id
                                    : seat.stored_.ref.empty();
  if (!as_stored && seat.wish_) {
    seat.sending_ = {ref_prefix_ + std::to_string(++last_ref_), user_id, *seat.wish_};
    seat.sending_refs_ = std::exchange(seat.wish_refs_, {});
    return store(seat, seat.sending_, seat.stored_.ref);
  }
  if (!as_stored) {
    presence_.untrack(seat.stored_.ref);
    forget(seat.stored_);
  }
  for (const std::string &ref : std::exchange(seat.wish_refs_, {}))
    seat.channel_.reply(ref, phoenix::Status::ok, "{}");
}

// The database has let go of a member of ours. If not by the user's wish, it is stored again: a lease was late, say.
void ChannelPresence::lost(const std::string &ref, bool by_user) {
  const auto own = by_ref_.find(ref);
  if (own == by_ref_.end() || own->second->stored_.ref != ref) return;
  PresenceSeat &seat = *own->second;
  presence_.forget(ref);
  seat.lost_ = true;
  if (by_user) {
    seat.wish_.reset();
    forget(seat.stored_);
  }
  advance(seat);
}

void ChannelPresence::store(PresenceSeat &seat, const PresenceSeat::Tracked &tracked, const std::string &previous_ref) {
  by_ref_[tracked.ref] = &seat;
  TrackedMember member;
  member.ref = tracked.ref;
  member.previous_ref = previous_ref;
  member.connection = seat.channel_.connection().tracking_id();
  member.topic = seat.roster_->topic;
  member.is_private = seat.roster_->is_private;
  member.key = seat.key_;
  member.user_id = tracked.user_id;
  member.meta = tracked.meta;
  presence_.track(std::move(member));
}

// One that is being replaced is not held: stored again after its replacement, or in one call with it, it would stay.
bool ChannelPresence::holds(const std::string &ref) const {
  const auto found = by_ref_.find(ref);
  return found != by_ref_.end() && (found->second->sending_.ref.empty() || found->second->sending_.ref == ref);
}

// Connections, and what they track.
void ChannelPresence::hold_everything() {
  services_.connections.hold_presence();
  for (const auto &[ref, seat] : std::unordered_map(by_ref_)) {
    if (ref == seat->sending_.ref) {
      store(*seat, seat->sending_, seat->stored_.ref);
    } else if (holds(ref)) {
      store(*seat, seat->stored_, "");
    }
  }
}

void ChannelPresence::stored(const std::string &ref) {
  const auto found = by_ref_.find(ref);
  if (found == by_ref_.end() || found->second->sending_.ref != ref) return;
  PresenceSeat &seat = *found->second;
  forget(seat.stored_);
  seat.stored_ = std::exchange(seat.sending_, {});
  seat.lost_ = false;
  for (const std::string &answered : std::exchange(seat.sending_refs_, {}))
    seat.channel_.reply(answered, phoenix::Status::ok, "{}");
  advance(seat);
}

void ChannelPresence::refused(const std::string &ref, const DatabaseError &error) {
  const auto found = by_ref_.find(ref);
  if (found == by_ref_.end() || found->second->sending_.ref != ref) return;
  PresenceSeat &seat = *found->second;
  forget(seat.sending_);
  const bool signed_in = !seat.channel_.claims()->user_id.empty();
  const std::string told = error_object("reason", client_error(services_.log, "presence", error, signed_in).told);
  for (const std::string &answered : std::exchange(seat.sending_refs_, {}))
    seat.channel_.reply(answered, phoenix::Status::error, told);
  if (seat.wish_refs_.empty()) { // no other wish meanwhile: it stays as it was
    seat.wish_.reset();
    if (!seat.stored_.ref.empty()) seat.wish_ = seat.stored_.meta;
  }
  if (!seat.stored_.ref.empty()) store(seat, seat.stored_, ""); // perhaps the node has started over meanwhile
  advance(seat);
}

} // namespace pg_live
