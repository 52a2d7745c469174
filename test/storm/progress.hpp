// What the threads of a storm share: how far it is, and whether something broke.
#pragma once

#include "options.hpp"
#include "record.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace pg_live::storm {

class Progress {
 public:
  explicit Progress(const Options &options) : options_(options), deadline_(Clock::now() + options.time_limit) {}

  // Whether a writer is to run one more transaction.
  bool claim_transaction() {
    if (stopped()) return false;
    if (strikes_ >= options_.strikes && transactions_ >= options_.transactions) return false;
    ++transactions_;
    return true;
  }

  int transactions() const { return transactions_; }
  int strikes() const { return strikes_; }
  void count_strike() { ++strikes_; }

  void finish_writing() { writing_ = false; }
  bool writing() const { return writing_ && !stopped(); }

  // Ends the storm early; the first reason is kept.
  void fail(const std::string &reason) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = reason;
    failed_ = true;
  }

  bool out_of_time() const { return Clock::now() > deadline_; }
  bool stopped() const { return failed_ || out_of_time(); }

  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  const Options &options_;
  const Clock::time_point deadline_;
  std::atomic<int> transactions_ = 0;
  std::atomic<int> strikes_ = 0;
  std::atomic<bool> writing_ = true;
  std::atomic<bool> failed_ = false;
  mutable std::mutex mutex_;
  std::string failure_;
};

} // namespace pg_live::storm
