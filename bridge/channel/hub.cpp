// Fan-out: the hot path.
#include "channel/hub.hpp"

#include "text/json.hpp"

#include <unordered_map>
#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kRevoked = "access:revoked";
constexpr std::string_view kUserTopic = "user:";
constexpr std::string_view kEverybody = "$access";
constexpr char kInternal = '$';

Channel &channel_of(const TopicTable::Subscription &subscription) {
  return *static_cast<Channel *>(subscription.subscriber);
}

// The events of a batch by topic, topics in the order of their first event.
std::vector<TopicBatch> by_topic(std::span<const LiveEvent> events) {
  std::vector<TopicBatch> batches;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const LiveEvent &event : events) {
    const auto [place, added] = places.try_emplace(event.topic, batches.size());
    if (added) batches.emplace_back();
    batches[place->second].add(event);
  }
  return batches;
}

} // namespace

std::vector<Channel *> Hub::followers(std::string_view topic) const {
  std::vector<Channel *> channels;
  for (const auto &subscription : table_.publish(topic, true))
    channels.push_back(&channel_of(subscription));
  return channels;
}

void Hub::deliver(std::span<const LiveEvent> events) {
  if (events.size() == 1) {
    TopicBatch batch;
    batch.add(events.front());
    deliver_topic(batch, true);
  } else {
    const std::vector<TopicBatch> batches = by_topic(events);
    for (const TopicBatch &batch : batches)
      deliver_topic(batch, batches.size() == 1);
  }
  flush();
  for (const LiveEvent &event : events) {
    if (event.event == kRevoked) take_revocation(event);
    if (event.topic.starts_with(kInternal)) internal_->take_internal(event);
  }
}

void Hub::deliver_topic(const TopicBatch &batch, bool alone) {
  for (const auto &subscription : table_.publish(batch.topic(), true))
    channel_of(subscription).deliver(batch, alone);
}

void Hub::give_up_waiting() {
  for (Client *client : std::exchange(behind_, {}))
    client->exempt();
}

void Hub::flush() {
  // Flushing may let a replay go on, which queues more.
  while (!unsent_.empty())
    for (Client *client : std::exchange(unsent_, {}))
      client->flush();
}

void Hub::broadcast(std::string_view topic, const Broadcast &broadcast, const Channel *except) {
  SharedFrames frames;
  for (const auto &subscription : table_.publish(topic, false)) {
    Channel &channel = channel_of(subscription);
    if (&channel == except) continue;
    if (broadcast.encoding == Encoding::binary && !channel.options().takes_binary) continue;
    const WireForm form = channel.form();
    websocket::Frame &frame = frames.of(form);
    if (frame.empty()) frame = form.codec->broadcast(form.naming, topic, broadcast);
    if (!frame.empty()) channel.client().send(frame);
  }
}

// What a topic, or a beginning followed by *, names: topics of the database, and the rooms that have such a name.
std::vector<TopicId> Hub::topics_matching(std::string_view pattern) const {
  std::vector<TopicId> matching;
  if (!pattern.ends_with('*')) {
    for (const bool is_private : {true, false})
      if (const auto topic = table_.find(pattern, is_private)) matching.push_back(*topic);
    return matching;
  }
  pattern.remove_suffix(1);
  for (const TopicId topic : table_.all())
    if (table_.name(topic).starts_with(pattern)) matching.push_back(topic);
  return matching;
}

// The channels on the topics that a pattern names, and those for typing there; of one user, or of everybody.
std::vector<std::pair<std::weak_ptr<Client>, ChannelId>> Hub::channels_on(const std::string &pattern,
                                                                          const std::string *user_id) const {
  std::vector<std::pair<std::weak_ptr<Client>, ChannelId>> channels;
  for (const std::string &each : {pattern, "typing:" + pattern})
    for (const TopicId id : topics_matching(each))
      for (const auto &subscription : table_.publish(id)) {
        const Channel &channel = channel_of(subscription);
        if (user_id == nullptr || channel.claims()->user_id == *user_id)
          channels.emplace_back(channel.client().weak_from_this(), channel.id());
      }
  return channels;
}

// Clients join again, with the positions they have. Stock clients do so by themselves and report the new subscription.
void Hub::start_over(std::string_view reason) {
  for (const auto &[holder, id] : channels_on("*", nullptr))
    if (const auto client = holder.lock()) client->channels().let_rejoin(id, reason);
}

// On user:<id> it ends that user's channels on the topic; on $access everybody's on the topic are checked again, or
// have to join again.
void Hub::take_revocation(const LiveEvent &event) {
  const bool of_everybody = event.topic == kEverybody;
  if (!of_everybody && !event.topic.starts_with(kUserTopic)) return;
  const auto payload = json::parse(event.payload);
  const auto name = payload ? json::member(*payload, "topic") : std::nullopt;
  std::string topic;
  if (!name || !json::unescape(*name, topic)) return;
  std::string reason;
  if (const auto text = json::member(*payload, "reason")) json::unescape(*text, reason);
  const auto rejoin = json::member(*payload, "rejoin");
  const std::string user_id(of_everybody ? "" : event.topic.substr(kUserTopic.size()));
  revocations_.count(topic, user_id);
  for (const auto &[holder, id] : channels_on(topic, of_everybody ? nullptr : &user_id)) {
    const auto client = holder.lock();
    if (!client) continue;
    if (!of_everybody) {
      client->channels().revoke(id);
    } else if (rejoin && rejoin->raw == "true") {
      client->channels().let_rejoin(id, reason);
    } else {
      client->channels().check_again(id);
    }
  }
}

} // namespace pg_live
