// Keeps some transactions prepared at any time and finishes them in random order.
#include "finisher.hpp"

#include <utility>

namespace pg_live::storm {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kept_waiting = 8;

} // namespace

Finisher::Finisher(const Options &options, Progress &progress)
    : progress_(progress), random_(static_cast<unsigned>(options.seed)),
      connection_(options.address, "storm finisher") {}

void Finisher::take(PreparedTransaction prepared) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(prepared));
  arrived_.notify_one();
}

void Finisher::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, 100ms, [this] { return waiting_.size() > kept_waiting || !progress_.writing(); });
    if (waiting_.empty() && !progress_.writing()) return;
    if (waiting_.size() <= kept_waiting && progress_.writing()) continue;
    PreparedTransaction prepared = next();
    lock.unlock();
    finish(std::move(prepared));
  }
}

PreparedTransaction Finisher::next() {
  std::uniform_int_distribution<std::size_t> choice(0, waiting_.size() - 1);
  std::swap(waiting_[choice(random_)], waiting_.back());
  PreparedTransaction prepared = std::move(waiting_.back());
  waiting_.pop_back();
  return prepared;
}

void Finisher::finish(PreparedTransaction prepared) {
  WrittenTransaction &transaction = prepared.transaction;
  const char *const action = prepared.roll_back ? "rollback" : "commit";
  transaction.commit_sent = Clock::now();
  connection_.run((std::string(action) + " prepared '" + prepared.name + '\'').c_str());
  transaction.outcome = prepared.roll_back ? Outcome::rolled_back : Outcome::committed;
  transaction.acknowledged = Clock::now();
  finished_.push_back(std::move(transaction));
}

} // namespace pg_live::storm
