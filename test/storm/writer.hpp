// One writer: transactions with savepoints, rollbacks and long pauses, and a record of each.
#pragma once

#include "connection.hpp"
#include "finisher.hpp"
#include "progress.hpp"

#include <atomic>
#include <random>
#include <vector>

namespace pg_live::storm {

class Writer {
 public:
  // The finisher takes the prepared transactions; without one, none is prepared.
  Writer(const Options &options, Progress &progress, int index, Finisher *finisher);

  // Writes until the storm has enough transactions. Reconnects and settles commits in doubt when a connection is lost.
  void run();

  int backend_pid() const { return backend_pid_; }
  const std::vector<WrittenTransaction> &written() const { return written_; }

 private:
  // Both return whether the transaction, and its record, went to the finisher.
  bool write(WrittenTransaction &transaction);
  bool end(WrittenTransaction &transaction);
  void emit(WrittenTransaction &transaction, int number, bool keep);
  void settle(WrittenTransaction &transaction);
  void reconnect();
  bool chance(double probability);
  int between(int low, int high);

  const Options &options_;
  Progress &progress_;
  const int index_;
  Finisher *const finisher_;
  std::mt19937 random_;
  Connection connection_;
  std::atomic<int> backend_pid_;
  std::vector<WrittenTransaction> written_;
};

} // namespace pg_live::storm
