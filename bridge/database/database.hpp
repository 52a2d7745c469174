// Commands to the database, asynchronously, each as one user: a pool of connections in pipeline mode.
// Invariant: what lies between two Syncs is one implicit transaction holding one command, so commands of different
// users never share one, and an error undoes exactly the command it belongs to. BEGIN and COMMIT are never sent: after
// an error the server would skip the COMMIT too and leave the session in a failed transaction.
#pragma once

#include "database/command.hpp"
#include "database/command_tally.hpp"
#include "database/connection_lane.hpp"
#include "limits/limiter.hpp"
#include "process/settings.hpp"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pg_live {

// What waits for a read.
enum class Reading : unsigned char {
  join,  // a join, or a delivery to a channel
  query, // a request for data: on connections of its own, so that a slow one delays no join
};

class Database {
 public:
  Database(Loop &loop, const Log &log, const DatabaseSettings &settings, Limiter &limiter);

  // Commands of joins wait until start_joins(), when the stream is followed: a channel joined earlier could miss
  // events.
  void start();
  void start_joins() { joins_.start(); }

  // Runs a command that changes nothing. If the connection is lost, the command is repeated once on another.
  void read(Command command, Reading reading = Reading::join);

  // Runs a command that may change something. The writes of one user reach the database in the order of the calls. If
  // the connection is lost before the answer, the outcome is unknown: SQLSTATE 08007.
  void write(Command command);

  // Runs a command of the bridge itself, with its own rights, on a dedicated connection that no command of a user can
  // block. These commands reach the database in the order of the calls. If the connection is lost: SQLSTATE 08007.
  void run_own(Command command);
  bool own_ready() const { return own_.ready(); }
  void when_own_ready(std::function<void()> ready) { own_ready_ = std::move(ready); }

  // Whether commands of every kind would reach the database now.
  bool ready() const { return joins_.ready() && queries_.ready() && writes_.ready(); }

  // The role that the connections log in as; empty until the first one is ready.
  std::string_view own_role() const { return own_role_; }

  // Whether the database can store this UTF-8 text as a user, a key or a topic. In a database whose encoding is not
  // UTF8, claims are ASCII: see live.user_id().
  bool can_store(std::string_view text) const;

  struct LaneState {
    std::string_view name;
    std::size_t ready; // connections that commands would be sent to
    std::size_t connections;
  };
  std::array<LaneState, 4> lanes() const;

  const CommandTallies &tallies() const { return tallies_; }
  unsigned unfinished_commands() const { return unfinished_; }

  // Milliseconds a command may take, waiting included.
  std::uint64_t patience() const { return settings_.statement_timeout_seconds * 1000u; }

 private:
  ConnectionLane::Callbacks callbacks();
  ConnectionLane::Callbacks own_callbacks();
  void note_connected(const PipelinedConnection &connection);
  PendingRef prepare(Command command);
  void admit(ConnectionLane &lane, PendingRef pending);
  void note_begin(const Command &command);
  void note_outcome(const PendingCommand &pending, const CommandResult &result);
  void note_end(const Command &command);
  bool role_has_room(const Command &command) const;
  void refuse(PendingRef pending, const DatabaseError &error);
  void check_deadlines();

  Loop &loop_;
  const DatabaseSettings &settings_;
  Limiter &limiter_;
  unsigned unfinished_ = 0;
  CommandTallies tallies_;
  std::unordered_map<std::string, unsigned> unfinished_without_user_; // by role
  std::string own_role_;
  bool is_utf8_ = true;
  std::function<void()> own_ready_;
  ConnectionLane joins_;
  ConnectionLane queries_;
  ConnectionLane writes_;
  ConnectionLane own_;
  LoopTimer deadline_timer_;
  std::vector<std::function<void()>> refused_; // answered on the next turn of the loop
  LoopTimer refusal_timer_;
};

} // namespace pg_live
