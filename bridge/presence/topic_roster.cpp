// Reads the members of a topic, follows their changes, and tells the channels.
#include "presence/channel_presence.hpp"

#include "text/json.hpp"

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
constexpr unsigned kSeatsPerMillisecond = 20; // many seats are told less often

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

websocket::Frame push_frame(WireForm form, std::string_view topic, std::string_view event, std::string_view payload) {
  const std::string wire_topic = form.codec->wire_topic(form.naming, topic);
  return form.codec->push({.join_ref = {}, .topic = wire_topic}, event, payload);
}

websocket::Frame count_frame(WireForm form, std::string_view topic, std::size_t count) {
  const std::string payload = "{\"count\":" + std::to_string(count) + "}";
  return event_frame({.position = {}, .topic = topic, .event = "presence:count", .payload = payload}, form);
}

// One message to many channels: built once for each wire form, and apart for the viewers that see something else.
class Announcement {
 public:
  Announcement(const TopicRoster &roster, std::string_view event,
               std::string (*payload)(const Roster &, std::string_view))
      : roster_(roster), event_(event), payload_(payload), special_(roster.members.special_viewers()) {}

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
    if (special_.contains(viewer)) return frame(channel.form(), payload_(roster_.members, viewer));
    if (!common_) common_ = payload_(roster_.members, "");
    websocket::Frame &shared = frames_.of(channel.form());
    if (shared.empty()) shared = frame(channel.form(), *common_);
    return shared;
  }
  websocket::Frame frame(WireForm form, const std::string &payload) const {
    return payload.empty() ? websocket::Frame() : push_frame(form, roster_.topic, event_, payload);
  }
  static void send(Channel &channel, const websocket::Frame &frame) {
    if (!frame.empty()) channel.client().send_later(frame);
  }

  const TopicRoster &roster_;
  std::string_view event_;
  std::string (*payload_)(const Roster &, std::string_view);
  std::set<std::string, std::less<>> special_;
  std::optional<std::string> common_;
  SharedFrames frames_;
};

} // namespace

TopicRoster &ChannelPresence::roster_of(const std::string &topic, bool is_private) {
  auto roster = std::make_unique<TopicRoster>();
  roster->topic = topic;
  roster->is_private = is_private;
  const auto [found, added] = rosters_.try_emplace(roster->name(), std::move(roster));
  if (added) read(*found->second, false);
  return *found->second;
}

// Changes that arrive during the read are buffered: the snapshot tells which of them the members include.
void ChannelPresence::read(TopicRoster &roster, bool keep_missing) {
  roster.keep_missing = keep_missing;
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
    command.parameters = {roster.topic, roster.is_private ? "true" : "false"};
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
  if (roster.keep_missing) {
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
  const bool is_private = is_true(json::member(*payload, "private"));
  const std::string_view topic = event.topic.substr(kChannelTopic.size());
  const auto found = rosters_.find(std::string(is_private ? "private:" : "public:").append(topic));
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
  if (const auto left = json::member(*payload, "left"))
    for (const json::Value &ref : json::elements(*left))
      tracker_.lost(text_of(ref), is_true(json::member(*payload, "by_user")));
}

// After a crash of the server its members return as their bridges reconnect, so missing members are kept for kSettle.
void ChannelPresence::resync() {
  for (const auto &[name, roster] : rosters_)
    read(*roster, true);
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
  const std::size_t limit = services_.settings.presence.roster_members;
  const bool counted = roster.members.visible() > (roster.counted ? limit - limit / 10 : limit);
  if (std::exchange(roster.counted, counted) != counted)
    for (PresenceSeat *seat : roster.seats)
      seat->told_ = false; // they are told the state again
  if (counted) return flush_counted(roster);
  if (roster.members.has_changes()) {
    Announcement diff(roster, "presence_diff",
                      [](const Roster &members, std::string_view viewer) { return members.diff(viewer); });
    for (PresenceSeat *seat : roster.seats)
      seat->told_ = seat->told_ && diff.send_if_it_fits(seat->channel_); // else it is told the state again
    roster.members.forget_changes();
  }
  Announcement state(roster, "presence_state",
                     [](const Roster &members, std::string_view viewer) { return members.state(viewer); });
  for (PresenceSeat *seat : roster.seats) {
    if (seat->told_ || seat->waits_) continue;
    seat->told_user_ = seat->channel_.claims()->user_id;
    // Clients apply buffered diffs after the first state; the second state undoes what those of an old channel changed.
    seat->told_ = state.send_if_it_fits(seat->channel_) &&
                  (!std::exchange(seat->tell_twice_, false) || state.send_if_it_fits(seat->channel_));
    if (!seat->told_) tell_when_drained(*seat);
  }
}

// A state that does not fit the queue must not close the client as slow: it is built again once nothing waits.
void ChannelPresence::tell_when_drained(PresenceSeat &seat) {
  seat.waits_ = true;
  Client &client = seat.channel_.client();
  client.when_drained([this, holder = client.weak_from_this(), id = seat.channel_.id()] {
    const auto reader = holder.lock();
    const Channel *channel = reader ? reader->channels().find(id) : nullptr;
    PresenceSeat *waiting = channel != nullptr ? static_cast<PresenceSeat *>(channel->seat()) : nullptr;
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
  const bool due = now - roster.told_at >= kCountEvery;
  SharedFrames counts;
  for (PresenceSeat *seat : roster.seats) {
    Channel &channel = seat->channel_;
    const bool is_new = !std::exchange(seat->told_, true);
    if (is_new) channel.client().send_later(push_frame(channel.form(), roster.topic, "presence_state", "{}"));
    if (!is_new && (!due || count == roster.told_count)) continue;
    websocket::Frame &frame = counts.of(channel.form());
    if (frame.empty()) frame = count_frame(channel.form(), roster.topic, count);
    channel.client().send_later(frame);
  }
  if (due) {
    roster.told_at = now;
    roster.told_count = count;
  } else if (count != roster.told_count) {
    flush_soon(roster, Milliseconds{kCountEvery - (now - roster.told_at)});
  }
}

} // namespace pg_live
