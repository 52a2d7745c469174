// The subscriber: follows the doorbell and fetches after its last position, as a bridge does.
#pragma once

#include "connection.hpp"
#include "progress.hpp"

#include <atomic>
#include <vector>

namespace pg_live::storm {

// The event that is emitted when all else has ended; the listener stops when it has it.
constexpr const char *last_topic = "storm:last";

class Listener {
 public:
  Listener(const Options &options, Progress &progress);

  // Listens until the last event came, or the storm has stopped. It never looks on its own: only a doorbell, or a new
  // connection, makes it fetch.
  void run();

  int backend_pid() const { return backend_pid_; }
  int connections() const { return connections_; }
  bool got_last_event() const { return got_last_event_; }
  const std::vector<DeliveredEvent> &delivered() const { return delivered_; }

 private:
  void listen();
  void follow();
  void fetch();

  const Options &options_;
  Progress &progress_;
  Connection connection_;
  std::atomic<int> backend_pid_;
  int connections_ = 1;
  bool got_last_event_ = false;
  std::int64_t last_batch_ = 0;
  std::int64_t last_id_ = 0; // 0: all of the batch was seen
  std::vector<DeliveredEvent> delivered_;
};

} // namespace pg_live::storm
