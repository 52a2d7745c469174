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

// A transaction and where its events stand in the stream.
struct Placed {
  const WrittenTransaction *transaction;
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

bool is_torn(std::span<const DeliveredEvent *const> events) {
  return std::adjacent_find(events.begin(), events.end(), [](const auto *earlier, const auto *later) {
           return earlier->batch != later->batch || earlier->id >= later->id;
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
  std::sort(placed.begin(), placed.end(), [&since](const Placed &one, const Placed &other) {
    return since(*one.transaction) < since(*other.transaction);
  });

  int count = 0;
  Position greatest{};
  auto next = acknowledged.begin();
  for (const Placed &each : placed) {
    for (; next != acknowledged.end() && *next->transaction->acknowledged < since(*each.transaction); ++next)
      greatest = std::max(greatest, next->last);
    if (too_early(greatest, each.first)) ++count;
  }
  return count;
}

// A commit that was sent after another was acknowledged cannot be in an earlier batch; a transaction that began after
// another was acknowledged stands wholly behind it.
int count_overtaken(const std::vector<Placed> &placed) {
  const int by_commit = count_too_early(
      placed, [](const WrittenTransaction &transaction) { return transaction.commit_sent; },
      [](Position theirs, Position own) { return theirs.first > own.first; });
  const int by_begin = count_too_early(
      placed, [](const WrittenTransaction &transaction) { return transaction.began; },
      [](Position theirs, Position own) { return theirs > own; });
  return by_commit + by_begin;
}

} // namespace

Verdict judge(std::span<const WrittenTransaction> written, std::span<const DeliveredEvent> delivered) {
  Verdict verdict;
  Deliveries index = index_deliveries(delivered, verdict);
  std::vector<Placed> placed;
  for (const WrittenTransaction &transaction : written) {
    if (transaction.outcome != Outcome::committed) {
      ++verdict.rolled_back;
      continue;
    }
    ++verdict.committed;
    const std::vector<const DeliveredEvent *> events = match(transaction, index, verdict);
    if (events.empty()) continue;
    if (is_torn(events)) ++verdict.torn;
    placed.push_back(
        {&transaction, {events.front()->batch, events.front()->id}, {events.back()->batch, events.back()->id}});
  }
  verdict.not_committed = static_cast<int>(index.size());
  verdict.overtaken = count_overtaken(placed);
  return verdict;
}

} // namespace pg_live::storm
