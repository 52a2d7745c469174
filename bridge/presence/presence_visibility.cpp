// Queries visibility for each viewer.
#include "presence/presence_visibility.hpp"

#include "channel/topic_batch.hpp"
#include "text/json.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <unordered_set>

namespace pg_live {

namespace {

constexpr std::string_view kTopic = "presence";
constexpr std::string_view kVisible =
    "select u.id from jsonb_array_elements_text($1::jsonb) as u (id) where live_private.can_see_presence(u.id)";
constexpr unsigned kMaxQuestions = 16;            // they share the connections of joins
constexpr std::size_t kMaxChanges = 500;          // of one question
constexpr std::size_t kMaxWaitingChanges = 10000; // of one viewer
constexpr std::size_t kMaxWaitingChangesInTotal = 1000000;
constexpr Milliseconds kPause{500}; // when the database is too busy

bool is_too_busy(const DatabaseError &error) {
  return error.sqlstate.starts_with("08") || error.sqlstate.starts_with("53");
}

// The channel, if it still exists and has the user and role of the query. A fresh token of the same user does not
// change what the user could see when the change happened.
std::shared_ptr<Channel> find(const ChannelRef &ref, const Claims &asked) {
  auto channel = ref.find();
  if (!channel) return nullptr;
  const Claims &claims = *channel->claims();
  return claims.user_id == asked.user_id && claims.role == asked.role ? channel : nullptr;
}

} // namespace

PresenceVisibility::PresenceVisibility(Services &services)
    : services_(services), pause_(services.loop, [this] { ask_next(); }) {}

void PresenceVisibility::handle(const LiveEvent &event) {
  const auto payload = json::parse(event.payload);
  const auto user_id = payload ? json::member(*payload, "user_id") : std::nullopt;
  auto change = std::make_shared<Change>();
  if (!user_id || !json::unescape(*user_id, change->user_id)) return;
  change->position = event.position;
  change->event = event.event;
  change->payload = event.payload;
  change->durable = event.durable;
  ++changes_;
  std::vector<std::string> overdue;
  for (const Channel *channel : services_.hub.followers(kTopic)) {
    Viewer &viewer = viewers_[channel->claims()->text];
    if (std::exchange(viewer.noted_at, changes_) != changes_) {
      viewer.claims = channel->claims();
      viewer.channels.clear();
      viewer.waiting.push_back(change);
      if (++waiting_ > kMaxWaitingChangesInTotal || viewer.waiting.size() > kMaxWaitingChanges)
        overdue.push_back(channel->claims()->text);
      if (viewer.asked.empty() && !std::exchange(viewer.queued, true)) queue_.push_back(channel->claims()->text);
    }
    viewer.channels.push_back(channel->ref());
  }
  for (const std::string &claims : overdue)
    give_up(viewers_.at(claims));
  ask_next();
}

void PresenceVisibility::ask_next() {
  while (asking_ < kMaxQuestions && !queue_.empty() && !pause_.running()) {
    const std::string claims = std::move(queue_.front());
    queue_.pop_front();
    Viewer &viewer = viewers_.at(claims);
    viewer.queued = false;
    if (viewer.waiting.empty()) {
      viewers_.erase(claims); // given up meanwhile
    } else {
      ask(claims, viewer);
    }
  }
}

void PresenceVisibility::ask(const std::string &claims, Viewer &viewer) {
  const auto end = viewer.waiting.begin() + static_cast<std::ptrdiff_t>(std::min(viewer.waiting.size(), kMaxChanges));
  viewer.asked.assign(viewer.waiting.begin(), end);
  viewer.waiting.erase(viewer.waiting.begin(), end);
  waiting_ -= viewer.asked.size();
  std::string users = "[";
  for (const ChangeRef &change : viewer.asked)
    json::append_element(users, change->user_id);
  ++asking_;
  Command command;
  command.claims = viewer.claims;
  command.sql = kVisible;
  command.parameters = {users.append("]")};
  command.done = [this, claims](const CommandResult &result) {
    --asking_;
    answered(claims, result);
    ask_next();
  };
  services_.database.read(std::move(command));
}

void PresenceVisibility::answered(const std::string &claims, const CommandResult &result) {
  Viewer &viewer = viewers_.at(claims);
  std::vector<ChangeRef> changes = std::exchange(viewer.asked, {});
  if (result.error && is_too_busy(*result.error)) {
    viewer.waiting.insert(viewer.waiting.begin(), changes.begin(), changes.end());
    waiting_ += changes.size();
    if (!pause_.running()) pause_.start(kPause);
    if (viewer.waiting.size() > kMaxWaitingChanges) give_up(viewer);
  } else if (result.error) {
    services_.log.warning("could not check whose presence is visible",
                          {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    give_up(viewer);
  } else {
    std::unordered_set<std::string_view> visible;
    for (int row = 0; row < result.rows.count(); ++row)
      visible.insert(result.rows.text(row, 0));
    std::erase_if(changes, [&](const ChangeRef &change) { return !visible.contains(change->user_id); });
    deliver(viewer, changes);
  }
  if (viewer.waiting.empty()) {
    viewers_.erase(claims);
  } else if (!std::exchange(viewer.queued, true)) {
    queue_.push_back(claims);
  }
}

void PresenceVisibility::give_up(Viewer &viewer) {
  waiting_ -= viewer.waiting.size();
  viewer.waiting.clear();
  for (const ChannelRef &ref : viewer.channels)
    if (const auto channel = find(ref, *viewer.claims))
      channel->client().channels().end_for_rejoin(ref.id, "visibility could not be checked");
}

void PresenceVisibility::deliver(const Viewer &viewer, const std::vector<ChangeRef> &changes) {
  if (changes.empty()) return;
  std::vector<LiveEvent> events;
  events.reserve(changes.size());
  for (const ChangeRef &change : changes)
    events.push_back({change->position, kTopic, change->event, change->payload, change->durable});
  TopicBatch batch;
  for (const LiveEvent &event : events)
    batch.add(event);
  for (const ChannelRef &ref : viewer.channels)
    if (const auto channel = find(ref, *viewer.claims)) channel->deliver(batch, WriteTime::at_flush);
  services_.hub.flush();
}

} // namespace pg_live
