// The promises of delivery, as predicates over two lists.
#include "verdict.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace pg_live::storm {

namespace {

using Position = std::pair<std::int64_t, std::int64_t>;
using Deliveries = std::map<EventKey, const DeliveredEvent *>;

// A transaction, or what it emitted on one topic, and where its events stand in the stream.
struct Placed {
  const WrittenTransaction *transaction;
  Clock::time_point began;
  Position first;
  Position last;
};

Deliveries index_deliveries(std::span<const DeliveredEvent> delivered, Verdict &verdict) {
  Deliveries index;
  std::set<std::int64_t> batches;
  Position previous{};
  for (const DeliveredEvent &event : delivered) {
    const Position position{event.batch, event.id};
    if (position <= previous) ++verdict.backwards;
    previous = position;
    batches.insert(event.batch);
    ++(event.durable ? verdict.durable : verdict.signals);
    if (!index.emplace(event.key, &event).second) ++verdict.repeated;
  }
  verdict.batches = static_cast<int>(batches.size());
  return index;
}

// Takes the transaction's events out of the index. Returns those that were delivered, in the order they were emitted.
std::vector<const DeliveredEvent *> match(const WrittenTransaction &transaction, Deliveries &index, Verdict &verdict) {
  std::vector<const DeliveredEvent *> found;
  for (const EmittedEvent &emitted : transaction.events) {
    const auto entry = index.find({transaction.writer, transaction.number, emitted.number});
    if (entry == index.end()) {
      ++(emitted.durable ? verdict.missing_durable : verdict.missing_signals);
      continue;
    }
    const DeliveredEvent &event = *entry->second;
    if (event.id != emitted.id || event.topic != emitted.topic || event.durable != emitted.durable) ++verdict.altered;
    found.push_back(&event);
    index.erase(entry);
  }
  return found;
}

bool is_torn(std::span<const DeliveredEvent *const> events, Parts parts) {
  return std::adjacent_find(events.begin(), events.end(), [parts](const auto *earlier, const auto *later) {
           return (parts == Parts::forbidden && earlier->batch != later->batch) || earlier->batch > later->batch ||
                  earlier->id >= later->id;
         }) != events.end();
}

// Counts the transactions that come too early. `since` says when a transaction began to be later than those that were
// acknowledged by then; `too_early(theirs, own)` says whether its own place contradicts the greatest of theirs.
template <typename Since, typename TooEarly>
int count_too_early(std::vector<Placed> placed, Since since, TooEarly too_early) {
  std::vector<Placed> acknowledged;
  std::copy_if(placed.begin(), placed.end(), std::back_inserter(acknowledged),
               [](const Placed &each) { return each.transaction->acknowledged.has_value(); });
  std::sort(acknowledged.begin(), acknowledged.end(), [](const Placed &one, const Placed &other) {
    return *one.transaction->acknowledged < *other.transaction->acknowledged;
  });
  std::sort(placed.begin(), placed.end(),
            [&since](const Placed &one, const Placed &other) { return since(one) < since(other); });

  int count = 0;
  Position greatest{};
  auto next = acknowledged.begin();
  for (const Placed &each : placed) {
    for (; next != acknowledged.end() && *next->transaction->acknowledged < since(each); ++next)
      greatest = std::max(greatest, next->last);
    if (too_early(greatest, each.first)) ++count;
  }
  return count;
}

// A commit that was sent after another was acknowledged cannot be in an earlier batch; a transaction that began after
// another was acknowledged stands wholly behind it.
// Parts of both may be mixed where they emitted at the same time, as in one batch.
int count_overtaken(const std::vector<Placed> &placed, Parts parts) {
  const int by_begin = count_too_early(
      placed, [](const Placed &each) { return each.began; },
      [](Position theirs, Position own) { return theirs > own; });
  if (parts == Parts::allowed) return by_begin;
  const int by_commit = count_too_early(
      placed, [](const Placed &each) { return each.transaction->commit_sent; },
      [](Position theirs, Position own) { return theirs.first > own.first; });
  return by_commit + by_begin;
}

void place(std::map<int, std::vector<Placed>> &placed, const WrittenTransaction &transaction,
           std::span<const DeliveredEvent *const> events, Parts parts) {
  std::map<int, Placed> places;
  for (const DeliveredEvent *event : events) {
    const Position position{event->batch, event->id};
    const int topic = parts == Parts::allowed ? event->topic : 0;
    places.try_emplace(topic, Placed{&transaction, transaction.began, position, position}).first->second.last =
        position;
  }
  // Backwards, so that the first event of a topic counts.
  if (parts == Parts::allowed)
    for (auto emitted = transaction.events.rbegin(); emitted != transaction.events.rend(); ++emitted)
      if (const auto place = places.find(emitted->topic); place != places.end()) place->second.began = emitted->sent;
  for (const auto &[topic, place] : places)
    placed[topic].push_back(place);
}

} // namespace

Verdict judge(std::span<const WrittenTransaction> written, std::span<const DeliveredEvent> delivered, Parts parts) {
  Verdict verdict;
  Deliveries index = index_deliveries(delivered, verdict);
  std::map<int, std::vector<Placed>> placed; // by topic; with no parts all in one
  for (const WrittenTransaction &transaction : written) {
    if (transaction.outcome != Outcome::committed) {
      ++verdict.rolled_back;
      continue;
    }
    ++verdict.committed;
    const std::vector<const DeliveredEvent *> events = match(transaction, index, verdict);
    if (events.empty()) continue;
    if (is_torn(events, parts)) ++verdict.torn;
    place(placed, transaction, events, parts);
  }
  verdict.not_committed = static_cast<int>(index.size());
  for (const auto &[topic, transactions] : placed)
    verdict.overtaken += count_overtaken(transactions, parts);
  return verdict;
}

} // namespace pg_live::storm
