// The connections for one kind of commands, and the commands that wait for them.
// Invariant: an admitted command is answered exactly once, at the latest shortly after its deadline. A command whose
// deadline has passed, or whose asker is gone, is not sent.
#pragma once

#include "database/lane.hpp"
#include "database/pipelined_connection.hpp"

#include <string>
#include <vector>

namespace pg_live {

class ConnectionLane final : public CommandSource {
 public:
  struct Callbacks {
    std::function<void(PendingRef, CommandResult)> finished;
    std::function<void(const PipelinedConnection &)> connected;
  };

  // The connections are called `name` and a number.
  ConnectionLane(Loop &loop, const Log &log, const DatabaseSettings &settings, const std::string &name,
                 LaneLimits limits, Callbacks callbacks);

  void start();
  bool ready() const { return ready_connections() > 0; } // whether a command would reach the database now
  std::size_t ready_connections() const;
  std::size_t connections() const { return connections_.size(); }

  // Queues the command, and sends it in its turn. False, leaving it untouched, if the user has that many waiting.
  bool admit(PendingRef &pending, std::size_t max_waiting);

  void check_deadlines(std::uint64_t now);

 private:
  PendingRef next(PipelinedConnection &connection) override;
  void finish(PipelinedConnection &connection, PendingRef pending, CommandResult result) override;
  void repeat(PipelinedConnection &connection, PendingRef pending) override;
  void connected(PipelinedConnection &connection) override;
  std::size_t index_of(const PipelinedConnection &connection) const;
  void pump();
  bool is_over(const PendingCommand &pending) const;
  void give_up(PendingRef pending);

  Loop &loop_;
  Callbacks callbacks_;
  Lane<PendingRef> lane_;
  std::vector<PendingRef> over_; // expired: answered by the next check_deadlines(), never within a call
  std::vector<std::unique_ptr<PipelinedConnection>> connections_;
};

} // namespace pg_live
