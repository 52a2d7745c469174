// Asking for each viewer.
#include "presence_visibility.hpp"

#include "connection.hpp"
#include "database.hpp"
#include "hub.hpp"
#include "json.hpp"
#include "topic_batch.hpp"

#include <unordered_set>
#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kTopic = "presence";
constexpr std::string_view kVisible =
    "select u.id from jsonb_array_elements_text($1::jsonb) as u (id) where live.can_see_presence(u.id)";

} // namespace

void PresenceVisibility::take(const LiveEvent &event) {
  const auto payload = json::parse(event.payload);
  const auto user_id = payload ? json::member(*payload, "user_id") : std::nullopt;
  auto change = std::make_shared<Change>();
  if (!user_id || !json::unescape(*user_id, change->user_id)) return;
  change->position = event.position;
  change->event = event.event;
  change->payload = event.payload;
  change->durable = event.durable;
  std::unordered_set<std::string_view> asked;
  for (const Channel *channel : services_.hub.followers(kTopic)) {
    const std::string &claims = channel->claims()->text;
    if (!asked.insert(claims).second) continue;
    Viewer &viewer = viewers_[claims];
    viewer.waiting.push_back(change);
    if (viewer.asked.empty()) ask(claims, viewer);
  }
}

std::vector<Channel *> PresenceVisibility::channels_of(const std::string &claims) const {
  std::vector<Channel *> channels = services_.hub.followers(kTopic);
  std::erase_if(channels, [&](const Channel *channel) { return channel->claims()->text != claims; });
  return channels;
}

void PresenceVisibility::ask(const std::string &claims, Viewer &viewer) {
  const std::vector<Channel *> channels = channels_of(claims);
  if (channels.empty() || viewer.waiting.empty()) {
    viewers_.erase(claims);
    return;
  }
  viewer.asked = std::exchange(viewer.waiting, {});
  std::string users = "[";
  for (const ChangeRef &change : viewer.asked) {
    if (users.size() > 1) users += ',';
    json::append_quoted(users, change->user_id);
  }
  Command command;
  command.claims = channels.front()->claims();
  command.sql = kVisible;
  command.parameters = {users.append("]")};
  command.done = [this, claims](const CommandResult &result) { answered(claims, result); };
  services_.database.read(std::move(command));
}

void PresenceVisibility::answered(const std::string &claims, const CommandResult &result) {
  Viewer &viewer = viewers_.at(claims);
  std::vector<ChangeRef> changes = std::exchange(viewer.asked, {});
  if (result.error) {
    services_.log.warning("could not check whose presence is visible",
                          {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    for (Channel *channel : channels_of(claims)) {
      channel->send_error("visibility could not be checked");
      channel->connection().conversation().remove(channel->id());
    }
  } else {
    std::unordered_set<std::string_view> visible;
    for (int row = 0; row < result.rows.count(); ++row)
      visible.insert(result.rows.text(row, 0));
    std::erase_if(changes, [&](const ChangeRef &change) { return !visible.contains(change->user_id); });
    deliver(claims, changes);
  }
  ask(claims, viewer);
}

void PresenceVisibility::deliver(const std::string &claims, const std::vector<ChangeRef> &changes) {
  if (changes.empty()) return;
  std::vector<LiveEvent> events;
  events.reserve(changes.size());
  for (const ChangeRef &change : changes)
    events.push_back({change->position, kTopic, change->event, change->payload, change->durable});
  TopicBatch batch;
  for (const LiveEvent &event : events)
    batch.add(event);
  for (Channel *channel : channels_of(claims))
    channel->deliver(batch, false);
  services_.hub.flush();
}

} // namespace pg_live
