// The channels of this process that take part in presence.
#include "presence/channel_presence.hpp"

#include "api/client_error.hpp"
#include "base/sqlstate.hpp"
#include "text/json.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

// Every seat of a channel is a PresenceSeat, as only this file creates seats.
PresenceSeat *seat_of(const Channel &channel) { return static_cast<PresenceSeat *>(channel.seat()); }

DatabaseError sign_in_error(const Channel &channel) {
  return {
      sqlstate::kInsufficientPrivilege,
      std::string("Unauthorized: You must be signed in to be present in this Channel topic: ").append(channel.topic()),
      ""};
}

} // namespace

PresenceSeat::PresenceSeat(ChannelPresence &presence, Channel &channel, std::string key)
    : presence_(presence), channel_(channel), key_(std::move(key)), tracking_(*this) {}

PresenceSeat::~PresenceSeat() { presence_.leave(*this); }

const std::string &PresenceSeat::user_id() const { return channel_.claims()->user_id; }

const Uuid &PresenceSeat::connection() const { return channel_.client().presence_id(); }

Allowance &PresenceSeat::allowance() { return channel_.client().allowance(); }

bool PresenceSeat::is_settled() const { return !channel_.checks_access(); }

TrackedMember PresenceSeat::create_member() {
  TrackedMember member;
  channel_.client().note_tracking();
  member.connection = channel_.client().presence_id();
  member.topic = roster_->topic;
  member.is_private = roster_->kind == TopicKind::database;
  member.key = key_.empty() ? user_id() : key_;
  if (member.key.empty()) {
    if (anonymous_key_.empty()) anonymous_key_ = Uuid::random().text();
    member.key = anonymous_key_;
  }
  return member;
}

void PresenceSeat::answer(const std::string &message_ref, const std::optional<DatabaseError> &error) {
  if (!error) return channel_.reply(message_ref, Status::ok, "{}");
  const ClientError refusal =
      client_error(presence_.services_.log, "presence", *error, requester_of(*channel_.claims()));
  channel_.reply(message_ref, Status::error, error_object("reason", refusal.shown));
}

ChannelPresence::ChannelPresence(Services &services, PresenceQueue &queue)
    : services_(services), tracker_(queue, Uuid::random().text().substr(0, 13) + ".",
                                    services.settings.limits[Limit::tracked_bytes_by_user]),
      flush_timer_(services.loop, [this] { flush_due(); }), read_timer_(services.loop, [this] { read_next(); }),
      resync_timer_(services.loop, [this] {
        for (const auto &[name, roster] : rosters_)
          read(*roster, Missing::removed);
      }) {}

ChannelPresence::~ChannelPresence() = default;

void ChannelPresence::join(Channel &channel, std::string_view key) {
  channel.set_seat(std::make_unique<PresenceSeat>(*this, channel, std::string(key)));
  seat_of(channel)->send_twice_ = channel.client().channels().had_state_lately(channel.wire_topic());
}

void ChannelPresence::enable(Channel &channel) { enable(*seat_of(channel)); }

void ChannelPresence::enable(PresenceSeat &seat) {
  if (seat.roster_ != nullptr) return;
  TopicRoster &roster =
      roster_of(std::string(seat.channel_.topic()), seat.channel_.in_room() ? TopicKind::room : TopicKind::database);
  seat.roster_ = &roster;
  roster.seats.add(seat);
  flush_soon(roster, Milliseconds{services_.settings.presence.gather_milliseconds});
}

void ChannelPresence::leave(PresenceSeat &seat) {
  tracker_.leave(seat.tracking_, seat.channel_.client().closing() ? Departure::of_connection : Departure::of_channel);
  if (seat.roster_ == nullptr) return;
  auto &seats = seat.roster_->seats;
  seats.remove(seat);
  if (!seats.empty()) return;
  due_.erase({seat.roster_->flush_at, seat.roster_});
  rosters_.erase(seat.roster_->name());
}

void ChannelPresence::handle(Channel &channel, const Message &message) {
  const std::string &ref = message.ref;
  const auto command = channel.client().codec().presence_command(message);
  if (!command)
    return channel.reply_error(ref, "a presence message needs the event track or untrack",
                               sqlstate::kInvalidParameterValue);
  if (channel.seat() == nullptr) channel.set_seat(std::make_unique<PresenceSeat>(*this, channel, ""));
  PresenceSeat &seat = *seat_of(channel);
  enable(seat);
  std::optional<std::string> wish;
  if (command->action == PresenceCommand::Action::track) {
    if (!command->is_object)
      return channel.reply_error(ref, "Presence track payload must be a map", sqlstate::kInvalidParameterValue);
    wish = command->payload;
  }
  if (wish && !may_track(seat)) {
    const DatabaseError error = sign_in_error(channel);
    return channel.reply_error(ref, error.message, error.sqlstate);
  }
  if (const auto error = tracker_.wish(seat.tracking_, std::move(wish), ref)) seat.answer(ref, error);
}

bool ChannelPresence::may_track(const PresenceSeat &seat) {
  return seat.roster_->kind == TopicKind::room || !seat.user_id().empty();
}

void ChannelPresence::check(Channel &channel) {
  PresenceSeat *seat = seat_of(channel);
  if (seat == nullptr || seat->roster_ == nullptr) return;
  if ((seat->roster_->kind == TopicKind::room) != channel.in_room()) {
    // The channel has moved between topic and room: it is sent the other roster, and the client has to track again.
    for (const std::string &ref : seat->tracking_.pop_messages())
      channel.reply_error(ref, "access to the topic has changed", "40001");
    channel.set_seat(std::make_unique<PresenceSeat>(*this, channel, std::string(seat->key_)));
    return enable(*seat_of(channel));
  }
  if (seat->has_state_ && seat->state_user_ != channel.claims()->user_id) { // who may see other hidden members
    seat->has_state_ = false;
    flush_soon(*seat->roster_, Milliseconds{0});
  }
  if (!may_track(*seat)) return tracker_.withdraw(seat->tracking_, sign_in_error(channel));
  tracker_.check(seat->tracking_);
}

} // namespace pg_live
