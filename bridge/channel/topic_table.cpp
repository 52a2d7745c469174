// See topic_table.hpp. Topics and places are arrays addressed by number, with the free entries chained through
// themselves; the index is a hash table of topic numbers, so a name is stored once, in its topic. Most topics
// (user:<id>) have one subscriber, so the memory of a topic matters as much as that of a subscription. Clients choose
// names, so the hash is keyed.
#include "channel/topic_table.hpp"

#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

namespace pg_live {

namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::uint32_t kFreeSlot = UINT32_MAX; // Place::slot of a place that is not in use
constexpr std::size_t kFirstIndexSize = 16;

[[noreturn]] void misuse(const char *what) {
  std::fprintf(stderr, "topic table: %s\n", what);
  std::terminate();
}

} // namespace

struct TopicTable::Topic {
  std::unique_ptr<char[]> name;
  std::uint32_t name_length = 0; // of a free entry: the next free one
  std::uint32_t hash = 0;        // its last bit is set for topics of the database
  std::vector<Subscription> subscriptions;

  std::string_view name_view() const { return {name.get(), name_length}; }
};

TopicTable::TopicTable() : index_(kFirstIndexSize, 0), free_topic_(kNone), free_place_(kNone) {}

TopicTable::~TopicTable() = default;

// The last bit tells topics of the database from rooms.
std::uint32_t TopicTable::hash_of(std::string_view name, TopicKind kind) const {
  return (static_cast<std::uint32_t>(siphash(key_, name)) & ~1U) | (kind == TopicKind::database ? 1U : 0U);
}

// Where in the index the topic stands, or the empty place where it would.
std::size_t TopicTable::probe(std::string_view name, std::uint32_t hash) const {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = (hash >> 1) & mask;
  while (index_[at] != 0) {
    const Topic &topic = topics_[index_[at] - 1];
    if (topic.hash == hash && topic.name_view() == name) break;
    at = (at + 1) & mask;
  }
  return at;
}

std::uint32_t TopicTable::add_topic(std::string_view name, std::uint32_t hash) {
  if (2 * (topic_count_ + 1) > index_.size()) grow_index();
  std::uint32_t number = free_topic_;
  if (number == kNone) {
    number = static_cast<std::uint32_t>(topics_.size());
    topics_.emplace_back();
  } else {
    free_topic_ = topics_[number].name_length;
  }
  Topic &topic = topics_[number];
  topic.name = std::make_unique_for_overwrite<char[]>(name.size());
  name.copy(topic.name.get(), name.size());
  topic.name_length = static_cast<std::uint32_t>(name.size());
  topic.hash = hash;
  index_[probe(name, hash)] = number + 1;
  ++topic_count_;
  return number;
}

void TopicTable::remove_topic(std::uint32_t number) {
  const std::size_t mask = index_.size() - 1;
  Topic &topic = topics_[number];
  // Linear probing without tombstones: what follows the hole moves up unless that would put it before its own place.
  std::size_t hole = probe(topic.name_view(), topic.hash);
  for (std::size_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = (topics_[index_[at] - 1].hash >> 1) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = 0;
  topic = Topic();
  topic.name_length = free_topic_;
  free_topic_ = number;
  --topic_count_;
}

void TopicTable::grow_index() {
  std::vector<std::uint32_t> smaller(index_.size() * 2, 0);
  smaller.swap(index_);
  for (const std::uint32_t entry : smaller) {
    if (entry == 0) continue;
    const Topic &topic = topics_[entry - 1];
    index_[probe(topic.name_view(), topic.hash)] = entry;
  }
}

void TopicTable::require_unlocked() const {
  if (walks_ != 0) misuse("subscriptions must not change while a topic is walked");
}

SubscriptionId TopicTable::subscribe(std::string_view name, TopicKind kind, Subscriber &subscriber) {
  require_unlocked();
  const std::uint32_t hash = hash_of(name, kind);
  const std::uint32_t entry = index_[probe(name, hash)];
  const std::uint32_t number = entry != 0 ? entry - 1 : add_topic(name, hash);
  std::uint32_t place = free_place_;
  if (place == kNone) {
    place = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  } else {
    free_place_ = places_[place].topic;
  }
  auto &subscriptions = topics_[number].subscriptions;
  places_[place] = {number, static_cast<std::uint32_t>(subscriptions.size())};
  subscriptions.push_back({&subscriber, SubscriptionId{place}});
  ++subscription_count_;
  return SubscriptionId{place};
}

void TopicTable::unsubscribe(SubscriptionId subscription) {
  require_unlocked();
  const auto place = static_cast<std::uint32_t>(subscription);
  const auto [number, slot] = place_of(subscription);
  auto &subscriptions = topics_[number].subscriptions;
  subscriptions[slot] = subscriptions.back(); // the last one takes the place that becomes free
  places_[static_cast<std::uint32_t>(subscriptions[slot].id)].slot = slot;
  subscriptions.pop_back();
  places_[place] = {free_place_, kFreeSlot};
  free_place_ = place;
  --subscription_count_;
  if (subscriptions.empty()) remove_topic(number);
}

TopicTable::Walk TopicTable::subscribers(std::string_view name, TopicKind kind) const {
  const std::uint32_t entry = index_[probe(name, hash_of(name, kind))];
  if (entry == 0) return Walk(*this, {});
  return Walk(*this, topics_[entry - 1].subscriptions);
}

TopicTable::Walk TopicTable::subscribers(TopicId topic) const { return Walk(*this, topic_at(topic).subscriptions); }

std::optional<TopicId> TopicTable::find(std::string_view name, TopicKind kind) const {
  const std::uint32_t entry = index_[probe(name, hash_of(name, kind))];
  if (entry == 0) return std::nullopt;
  return TopicId{entry - 1};
}

TopicTable::Place TopicTable::place_of(SubscriptionId subscription) const {
  const auto place = static_cast<std::uint32_t>(subscription);
  if (place >= places_.size() || places_[place].slot == kFreeSlot) misuse("no such subscription");
  return places_[place];
}

const TopicTable::Topic &TopicTable::topic_at(TopicId topic) const {
  const auto number = static_cast<std::uint32_t>(topic);
  if (number >= topics_.size() || topics_[number].subscriptions.empty()) misuse("no such topic");
  return topics_[number];
}

std::string_view TopicTable::name(TopicId topic) const { return topic_at(topic).name_view(); }

TopicKind TopicTable::kind(TopicId topic) const {
  return (topic_at(topic).hash & 1U) != 0 ? TopicKind::database : TopicKind::room;
}

std::vector<TopicId> TopicTable::all() const {
  std::vector<TopicId> topics;
  topics.reserve(topic_count_);
  for (const std::uint32_t entry : index_)
    if (entry != 0) topics.push_back(TopicId{entry - 1});
  return topics;
}

std::size_t TopicTable::topics() const { return topic_count_; }

std::size_t TopicTable::subscriptions() const { return subscription_count_; }

} // namespace pg_live
