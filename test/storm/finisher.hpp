// Finishes the transactions that writers prepared, in another session and another order.
#pragma once

#include "connection.hpp"
#include "progress.hpp"

#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace pg_live::storm {

struct PreparedTransaction {
  std::string name;
  bool roll_back;
  WrittenTransaction transaction;
};

class Finisher {
 public:
  Finisher(const Options &options, Progress &progress);

  // Called by the writers.
  void take(PreparedTransaction prepared);

  // Finishes until no writer runs and nothing is left.
  void run();

  const std::vector<WrittenTransaction> &finished() const { return finished_; }

 private:
  PreparedTransaction next();
  void finish(PreparedTransaction prepared);

  Progress &progress_;
  std::mt19937 random_;
  Connection connection_; // never emits
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<PreparedTransaction> waiting_;
  std::vector<WrittenTransaction> finished_;
};

} // namespace pg_live::storm
