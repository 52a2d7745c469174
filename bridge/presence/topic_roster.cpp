// Reads the members of a topic, follows their changes, and sends them to the channels.
#include "presence/channel_presence.hpp"

#include "text/json.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pg_live {

namespace {

constexpr std::string_view kChannelTopic = "$channel:";
constexpr std::string_view kReadMembers =
    "select ref, key, user_id, hidden, meta::text from live_private.channel_roster($1, $2::boolean)";
constexpr Milliseconds kReadAgain{1000};
constexpr unsigned kMaxReadings = 16;
constexpr Milliseconds kSettle{10000};        // in which members that a crash removed may come back
constexpr std::uint64_t kCountEvery = 1000;   // milliseconds
constexpr unsigned kSeatsPerMillisecond = 20; // many seats are sent changes less often

std::string text_of(const std::optional<json::Value> &value) {
  std::string text;
  if (value) json::unescape(*value, text);
  return text;
}

bool is_true(const std::optional<json::Value> &value) { return value && value->raw == "true"; }

// A member that leaves and joins unchanged in one event, as after a reconnect, changes nothing for the clients.
void apply(Roster &members, json::Value change) {
  std::vector<std::string> left;
  if (const auto refs = json::member(change, "left"))
    for (const json::Value &ref : json::elements(*refs))
      left.push_back(text_of(ref));
  if (const auto joined = json::member(change, "joined"))
    for (const json::Value &each : json::elements(*joined)) {
      const std::string ref = text_of(json::member(each, "ref"));
      const auto meta = json::member(each, "meta");
      Member member{text_of(json::member(each, "key")), text_of(json::member(each, "user_id")),
                    is_true(json::member(each, "hidden")), std::string(meta ? meta->raw : "{}")};
      const auto before = std::find_if(left.begin(), left.end(),
                                       [&](const std::string &former) { return members.pass_on(former, ref, member); });
      if (before == left.end()) {
        members.put(ref, std::move(member), text_of(json::member(each, "previous_ref")));
      } else {
        left.erase(before);
      }
    }
  for (const std::string &ref : left)
    members.remove(ref);
}

std::uint64_t xid_of(json::Value change) {
  const std::string digits = text_of(json::member(change, "xid"));
  std::uint64_t xid = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), xid);
  return xid;
}

// Skips a change that the snapshot saw, since the members read under it have it already.
void apply_unless_seen(TopicRoster &roster, std::string_view payload) {
  const auto change = json::parse(payload);
  if (change && !roster.snapshot->sees(xid_of(*change))) apply(roster.members, *change);
}

websocket::Frame encode(WireForm form, const TopicRoster &roster, const PresenceState &state) {
  return form.codec->presence_state(form.naming, roster.topic, state);
}

websocket::Frame encode(WireForm form, const TopicRoster &roster, const PresenceDiff &diff) {
  return diff.empty() ? websocket::Frame() : form.codec->presence_diff(form.naming, roster.topic, diff);
}

websocket::Frame count_frame(WireForm form, std::string_view topic, std::size_t count) {
  std::string payload = "{";
  json::append_raw_member(payload, "count", std::to_string(count));
  payload += '}';
  return event_frame({.position = {}, .topic = topic, .event = "presence:count", .payload = payload}, form);
}

// One message to many channels: built once for each wire form, and apart for the viewers that see something else.
template <typename Content>
class Announcement {
 public:
  Announcement(const TopicRoster &roster, Content (Roster::*content)(std::string_view) const)
      : roster_(roster), content_(content), special_(roster.members.special_viewers()) {}

  // Sends it unless it is large and frames wait for the client already.
  [[nodiscard]] bool send_if_it_fits(Channel &channel) {
    const websocket::Frame frame = frame_for(channel);
    if (frame.size() > channel.client().queue_limit() / 8 && !channel.client().is_drained()) return false;
    send(channel, frame);
    return true;
  }

 private:
  websocket::Frame frame_for(const Channel &channel) {
    const std::string &viewer = channel.claims()->user_id;
    if (special_.contains(viewer)) return encode(channel.form(), roster_, (roster_.members.*content_)(viewer));
    if (!common_) common_ = (roster_.members.*content_)("");
    websocket::Frame &shared = frames_.of(channel.form());
    if (shared.empty()) shared = encode(channel.form(), roster_, *common_);
    return shared;
  }
  static void send(Channel &channel, const websocket::Frame &frame) {
    if (!frame.empty()) channel.client().send_later(frame);
  }

  const TopicRoster &roster_;
  Content (Roster::*content_)(std::string_view) const;
  std::set<std::string, std::less<>> special_;
  std::optional<Content> common_;
  SharedFrames frames_;
};

} // namespace

TopicRoster &ChannelPresence::roster_of(const std::string &topic, TopicKind kind) {
  auto roster = std::make_unique<TopicRoster>();
  roster->topic = topic;
  roster->kind = kind;
  const auto [found, added] = rosters_.try_emplace(roster->name(), std::move(roster));
  if (added) read(*found->second, Missing::removed);
  return *found->second;
}

// Changes that arrive during the read are buffered: the snapshot tells which of them the members include.
void ChannelPresence::read(TopicRoster &roster, Missing missing) {
  roster.missing = missing;
  if (roster.reading != 0) return;
  roster.reading = ++last_reading_;
  to_read_.push_back(roster.name());
  read_next();
}

// A few at a time, so that many topics do not crowd out joins.
void ChannelPresence::read_next() {
  while (reading_ < kMaxReadings && !to_read_.empty() && !read_timer_.running()) {
    const auto found = rosters_.find(to_read_.front());
    to_read_.pop_front();
    if (found == rosters_.end()) continue;
    const TopicRoster &roster = *found->second;
    ++reading_;
    Command command;
    command.sql = kReadMembers;
    command.parameters = {roster.topic, roster.kind == TopicKind::database ? "true" : "false"};
    command.done = [this, name = found->first, reading = roster.reading](const CommandResult &result) {
      --reading_;
      finish_reading(name, reading, result);
      read_next();
    };
    services_.database.read(std::move(command));
  }
}

// An answer for a roster that is gone, or was made again since, is dropped.
void ChannelPresence::finish_reading(const std::string &name, std::uint64_t reading, const CommandResult &result) {
  const auto found = rosters_.find(name);
  if (found == rosters_.end() || found->second->reading != reading) return;
  TopicRoster &roster = *found->second;
  std::optional<XidSnapshot> snapshot;
  if (!result.error && result.rows.count() > 0) snapshot = XidSnapshot::parse(result.rows.text(0, 1));
  if (!snapshot) {
    services_.log.warning("could not read the members of a channel",
                          {{"sqlstate", result.error ? std::string_view(result.error->sqlstate) : "XX000"}});
    roster.buffered.clear(); // the next read includes them
    to_read_.push_back(name);
    read_timer_.start(kReadAgain);
    return;
  }
  roster.reading = 0;
  std::map<std::string, Member> members;
  for (int row = 1; row < result.rows.count(); ++row)
    members.emplace(result.rows.text(row, 0),
                    Member{std::string(result.rows.text(row, 1)), std::string(result.rows.text(row, 2)),
                           result.rows.is_true(row, 3), std::string(result.rows.text(row, 4))});
  if (roster.missing == Missing::kept) {
    roster.members.merge(members);
  } else {
    roster.members.replace(members);
  }
  roster.snapshot = std::move(snapshot);
  for (const std::string &change : std::exchange(roster.buffered, {}))
    apply_unless_seen(roster, change);
  flush_soon(roster, Milliseconds{0});
}

void ChannelPresence::apply_event(const LiveEvent &event) {
  const auto payload = json::parse(event.payload);
  if (!payload) return;
  const TopicKind kind = is_true(json::member(*payload, "private")) ? TopicKind::database : TopicKind::room;
  const auto found = rosters_.find(TopicRoster::name_of(event.topic.substr(kChannelTopic.size()), kind));
  if (found == rosters_.end()) return;
  TopicRoster &roster = *found->second;
  if (roster.reading != 0) {
    roster.buffered.emplace_back(event.payload);
  } else if (roster.snapshot) {
    apply_unless_seen(roster, event.payload);
  }
  if (roster.members.has_changes())
    flush_soon(roster, Milliseconds{services_.settings.presence.gather_milliseconds +
                                    roster.seats.size() / kSeatsPerMillisecond});
  const LossCause cause = is_true(json::member(*payload, "by_user")) ? LossCause::user : LossCause::other;
  if (const auto left = json::member(*payload, "left"))
    for (const json::Value &ref : json::elements(*left))
      tracker_.lost(text_of(ref), cause);
}

// After a crash of the server its members return as their bridges reconnect, so missing members are kept for kSettle.
void ChannelPresence::resync() {
  for (const auto &[name, roster] : rosters_)
    read(*roster, Missing::kept);
  resync_timer_.start(kSettle);
}

void ChannelPresence::flush_soon(TopicRoster &roster, Milliseconds delay) {
  const std::uint64_t at = services_.loop.now() + static_cast<std::uint64_t>(delay.count());
  if (roster.flush_at != 0 && roster.flush_at <= at) return;
  due_.erase({roster.flush_at, &roster});
  roster.flush_at = at;
  due_.insert({at, &roster});
  if (due_.begin()->second == &roster) flush_timer_.start(delay);
}

void ChannelPresence::flush_due() {
  const std::uint64_t now = services_.loop.now();
  while (!due_.empty() && due_.begin()->first <= now) {
    TopicRoster &roster = *due_.extract(due_.begin()).value().second;
    roster.flush_at = 0;
    flush(roster);
  }
  if (!due_.empty()) flush_timer_.start(Milliseconds{due_.begin()->first - now});
  services_.hub.flush();
}

void ChannelPresence::flush(TopicRoster &roster) {
  if (!roster.snapshot) return; // the read on its way flushes when it is done
  const std::size_t limit = services_.settings.limits[Limit::roster_members];
  const bool counted = roster.members.visible() > (roster.counted ? limit - limit / 10 : limit);
  if (std::exchange(roster.counted, counted) != counted)
    for (PresenceSeat *seat : roster.seats)
      seat->has_state_ = false; // they are sent the state again
  if (counted) return flush_counted(roster);
  if (roster.members.has_changes()) {
    Announcement diff(roster, &Roster::diff);
    for (PresenceSeat *seat : roster.seats)
      seat->has_state_ = seat->has_state_ && diff.send_if_it_fits(seat->channel_); // else it is sent the state again
    roster.members.forget_changes();
  }
  Announcement state(roster, &Roster::state);
  for (PresenceSeat *seat : roster.seats) {
    if (seat->has_state_ || seat->waits_) continue;
    seat->state_user_ = seat->channel_.claims()->user_id;
    // Clients apply buffered diffs after the first state; the second state undoes what those of an old channel changed.
    seat->has_state_ = state.send_if_it_fits(seat->channel_) &&
                       (!std::exchange(seat->send_twice_, false) || state.send_if_it_fits(seat->channel_));
    if (!seat->has_state_) flush_when_drained(*seat);
  }
}

// A state that does not fit the queue must not close the client as slow: it is built again once nothing waits.
void ChannelPresence::flush_when_drained(PresenceSeat &seat) {
  seat.waits_ = true;
  seat.channel_.client().when_drained([this, reader = seat.channel_.ref()] {
    const auto channel = reader.find();
    PresenceSeat *waiting = channel ? static_cast<PresenceSeat *>(channel->seat()) : nullptr;
    if (waiting == nullptr || waiting->roster_ == nullptr) return;
    waiting->waits_ = false;
    flush(*waiting->roster_);
    services_.hub.flush();
  });
}

void ChannelPresence::flush_counted(TopicRoster &roster) {
  roster.members.forget_changes();
  const std::uint64_t now = services_.loop.now();
  const std::size_t count = roster.members.visible();
  const bool due = now - roster.sent_at >= kCountEvery;
  SharedFrames counts;
  for (PresenceSeat *seat : roster.seats) {
    Channel &channel = seat->channel_;
    const bool is_new = !std::exchange(seat->has_state_, true);
    if (is_new) channel.client().send_later(encode(channel.form(), roster, PresenceState()));
    if (!is_new && (!due || count == roster.sent_count)) continue;
    websocket::Frame &frame = counts.of(channel.form());
    if (frame.empty()) frame = count_frame(channel.form(), roster.topic, count);
    channel.client().send_later(frame);
  }
  if (due) {
    roster.sent_at = now;
    roster.sent_count = count;
  } else if (count != roster.sent_count) {
    flush_soon(roster, Milliseconds{kCountEvery - (now - roster.sent_at)});
  }
}

} // namespace pg_live
