// The subscribers of each topic: the table that the hub walks for each batch.
//
// Invariants: a topic exists while it has a subscriber, its name is stored once, and the two kinds of topic under one
// name are two topics. While a Walk exists the table must not change: subscribing or unsubscribing then ends the
// process, since the span being walked would dangle. A delivery that must end a subscription notes it, and does it
// afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/siphash.hpp"

namespace pg_live {

// What receives a topic's events; the table only keeps its address. Derive from it.
class Subscriber {
 protected:
  Subscriber() = default;
  Subscriber(const Subscriber &) = default;
  Subscriber &operator=(const Subscriber &) = default;
  ~Subscriber() = default;
};

// Names one subscription until it is ended; reused afterwards.
enum class SubscriptionId : std::uint32_t {};

// Names one topic while it has subscribers; reused afterwards.
enum class TopicId : std::uint32_t {};

// Where the events of a topic come from: the stream of the database, or the clients of a room. One name can be both.
enum class TopicKind : unsigned char { database, room };

class TopicTable {
 public:
  TopicTable();
  TopicTable(const TopicTable &) = delete;
  TopicTable &operator=(const TopicTable &) = delete;
  ~TopicTable();

  struct Subscription {
    Subscriber *subscriber;
    SubscriptionId id;
  };

  // The subscriptions of one topic, in no particular order: `for (const auto &to : table.subscribers(topic, kind))`.
  class Walk {
   public:
    Walk(const Walk &) = delete;
    Walk &operator=(const Walk &) = delete;
    ~Walk() { --table_.walks_; }
    auto begin() const { return subscriptions_.begin(); }
    auto end() const { return subscriptions_.end(); }
    std::size_t size() const { return subscriptions_.size(); }
    bool empty() const { return subscriptions_.empty(); }

   private:
    friend class TopicTable;
    Walk(const TopicTable &table, std::span<const Subscription> subscriptions)
        : table_(table), subscriptions_(subscriptions) {
      ++table_.walks_;
    }
    const TopicTable &table_;
    std::span<const Subscription> subscriptions_;
  };

  // Adds a subscription; the same subscriber may hold several, of one topic too. O(1).
  SubscriptionId subscribe(std::string_view topic, TopicKind kind, Subscriber &subscriber);

  // Ends a subscription. O(1); the last one of a topic removes the topic. An id that is not in use ends the process.
  void unsubscribe(SubscriptionId subscription);

  // The subscribers of a topic; empty if there are none.
  Walk subscribers(std::string_view topic, TopicKind kind) const;
  Walk subscribers(TopicId topic) const;

  std::optional<TopicId> find(std::string_view topic, TopicKind kind) const;
  // Name of a topic in use; valid until it loses its last subscriber.
  std::string_view name(TopicId topic) const;
  TopicKind kind(TopicId topic) const;

  // All topics in use, in no particular order. O(topics): not for the way of an event.
  std::vector<TopicId> all() const;

  std::size_t topics() const;
  std::size_t subscriptions() const;

 private:
  struct Topic;
  struct Place { // where a subscription stands, or, while it is free, the next free one
    std::uint32_t topic;
    std::uint32_t slot;
  };

  std::uint32_t hash_of(std::string_view name, TopicKind kind) const;
  std::size_t probe(std::string_view name, std::uint32_t hash) const;
  std::uint32_t add_topic(std::string_view name, std::uint32_t hash);
  void remove_topic(std::uint32_t number);
  Place place_of(SubscriptionId subscription) const;
  const Topic &topic_at(TopicId topic) const;
  void grow_index();
  void require_unlocked() const;

  SipKey key_ = SipKey::random();
  std::vector<Topic> topics_;
  std::vector<std::uint32_t> index_; // open addressing, power of two: topic + 1, or 0
  std::vector<Place> places_;
  std::uint32_t free_topic_;
  std::uint32_t free_place_;
  std::size_t topic_count_ = 0;
  std::size_t subscription_count_ = 0;
  mutable std::uint32_t walks_ = 0;
};

} // namespace pg_live
