// Fan-out: the hot path.
#include "channel/hub.hpp"

#include "text/json.hpp"
#include "wire/topic_name.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kRevoked = "access:revoked";
constexpr std::string_view kUserTopic = "user:";
constexpr std::string_view kAccessTopic = "$access"; // concerns all users
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
  for (const auto &subscription : table_.subscribers(topic, TopicKind::database))
    channels.push_back(&channel_of(subscription));
  return channels;
}

void Hub::deliver(std::span<const LiveEvent> events) {
  tally_.events += events.size();
  tally_.arrival.observe(time_since_publication(events.back().position.batch));
  if (events.size() == 1) {
    TopicBatch batch;
    batch.add(events.front());
    deliver_topic(batch, WriteTime::now);
  } else {
    const std::vector<TopicBatch> batches = by_topic(events);
    for (const TopicBatch &batch : batches)
      deliver_topic(batch, batches.size() == 1 ? WriteTime::now : WriteTime::at_flush);
  }
  if (!events.empty()) delivered_ = events.back().position;
  flush();
  tally_.writing.observe(time_since_publication(events.back().position.batch));
  for (const LiveEvent &event : events) {
    if (event.event == kRevoked) revoke(event);
    if (event.topic.starts_with(kInternal)) internal_->handle_internal(event);
  }
  if (observer_ == nullptr || !observer_->is_watching()) return;
  for (const LiveEvent &event : events)
    observer_->passed(event);
}

std::vector<std::pair<std::string_view, std::size_t>> Hub::largest_topics(std::size_t count) const {
  std::vector<std::pair<std::string_view, std::size_t>> topics;
  topics.reserve(table_.topics());
  for (const TopicId id : table_.all())
    topics.emplace_back(table_.name(id), table_.subscribers(id).size());
  const auto end = topics.begin() + static_cast<std::ptrdiff_t>(std::min(count, topics.size()));
  std::partial_sort(topics.begin(), end, topics.end(),
                    [](const auto &one, const auto &other) { return one.second > other.second; });
  topics.erase(end, topics.end());
  return topics;
}

void Hub::deliver_topic(const TopicBatch &batch, WriteTime time) {
  const TopicTable::Walk subscriptions = table_.subscribers(batch.topic(), TopicKind::database);
  tally_.deliveries += subscriptions.size() * batch.events().size();
  for (const auto &subscription : subscriptions)
    channel_of(subscription).deliver(batch, time);
}

void Hub::give_up_waiting() {
  for (Client *client : std::exchange(behind_, {}))
    client->exempt();
}

void Hub::flush() {
  // Flushing may let a replay continue, which queues more frames.
  while (!unsent_.empty())
    for (Client *client : std::exchange(unsent_, {}))
      client->flush();
}

void Hub::broadcast(std::string_view topic, const Broadcast &broadcast, const Channel *except) {
  SharedFrames frames;
  for (const auto &subscription : table_.subscribers(topic, TopicKind::room)) {
    Channel &channel = channel_of(subscription);
    if (&channel == except) continue;
    if (broadcast.encoding == Encoding::binary && !channel.options().accepts_binary) continue;
    const WireForm form = channel.form();
    websocket::Frame &frame = frames.of(form);
    if (frame.empty()) frame = form.codec->broadcast(form.naming, topic, broadcast);
    if (!frame.empty()) channel.client().send(frame);
  }
}

// The topics of the database and the rooms that a pattern, a name or a prefix followed by *, matches.
std::vector<TopicId> Hub::topics_matching(std::string_view pattern) const {
  std::vector<TopicId> matching;
  if (!pattern.ends_with('*')) {
    for (const TopicKind kind : {TopicKind::database, TopicKind::room})
      if (const auto topic = table_.find(pattern, kind)) matching.push_back(*topic);
    return matching;
  }
  pattern.remove_suffix(1);
  for (const TopicId topic : table_.all())
    if (table_.name(topic).starts_with(pattern)) matching.push_back(topic);
  return matching;
}

// The channels on the topics that a pattern matches, and on their typing topics: of one user, or of all if null.
std::vector<ChannelRef> Hub::channels_on(const std::string &pattern, const std::string *user_id) const {
  std::vector<ChannelRef> channels;
  for (const std::string &each : {pattern, std::string(kTypingPrefix).append(pattern)})
    for (const TopicId id : topics_matching(each))
      for (const auto &subscription : table_.subscribers(id)) {
        const Channel &channel = channel_of(subscription);
        if (user_id == nullptr || channel.claims()->user_id == *user_id) channels.push_back(channel.ref());
      }
  return channels;
}

// Makes all clients join again, with the positions they have. Stock clients do so by themselves.
void Hub::start_over(std::string_view reason) {
  delivered_.reset();
  for (const ChannelRef &ref : channels_on("*", nullptr))
    if (const auto client = ref.client.lock()) client->channels().end_for_rejoin(ref.id, reason);
}

// A revocation on user:<id> ends that user's channels on the topic. One on $access makes the channels of all users on
// the topic check their access, or join again.
void Hub::revoke(const LiveEvent &event) {
  const bool of_all_users = event.topic == kAccessTopic;
  if (!of_all_users && !event.topic.starts_with(kUserTopic)) return;
  const auto payload = json::parse(event.payload);
  const auto name = payload ? json::member(*payload, "topic") : std::nullopt;
  std::string topic;
  if (!name || !json::unescape(*name, topic)) return;
  std::string reason;
  if (const auto text = json::member(*payload, "reason")) json::unescape(*text, reason);
  const auto rejoin = json::member(*payload, "rejoin");
  const std::string user_id(of_all_users ? "" : event.topic.substr(kUserTopic.size()));
  revocations_.count(topic, user_id);
  for (const ChannelRef &ref : channels_on(topic, of_all_users ? nullptr : &user_id)) {
    const auto client = ref.client.lock();
    if (!client) continue;
    if (!of_all_users) {
      client->channels().revoke(ref.id);
    } else if (rejoin && rejoin->raw == "true") {
      client->channels().end_for_rejoin(ref.id, reason);
    } else {
      client->channels().check_again(ref.id);
    }
  }
}

} // namespace pg_live
