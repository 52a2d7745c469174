// The connections for one kind of commands, and the commands that wait for them.
// Invariant: a command that was admitted is answered once, at the latest a little after its time: what waited too long,
// and what nobody waits for any more, is not sent.
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

  // `name` is that of its connections, each with a number.
  ConnectionLane(Loop &loop, const Log &log, const DatabaseSettings &settings, const std::string &name,
                 LaneLimits limits, Callbacks callbacks);

  void start();
  bool ready() const; // whether a command would reach the database now

  // Sends the command as soon as it is its turn. False, and the command is untouched: so many of the user's wait.
  bool admit(PendingRef &pending, std::size_t most_waiting);

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
  std::vector<PendingRef> over_; // to be answered at the next look at deadlines: never within a call
  std::vector<std::unique_ptr<PipelinedConnection>> connections_;
};

} // namespace pg_live
