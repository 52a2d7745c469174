// Commands to the database, asynchronously, each as one user: a pool of connections in pipeline mode.
// Invariant: what lies between two Syncs is one implicit transaction holding one command, so commands of different
// users never share one, and an error undoes exactly the command it belongs to. BEGIN and COMMIT are never sent: after
// an error the server would skip the COMMIT too and leave the session in a failed transaction.
#pragma once

#include "database_link.hpp"
#include "settings.hpp"
#include "token.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pg_live {

using ClaimsRef = std::shared_ptr<const Claims>;

struct CommandResult {
  Rows rows;                          // of a command that succeeded
  std::optional<DatabaseError> error; // of one that failed: nothing of it was stored, unless the SQLSTATE is 08007
};

struct Command {
  ClaimsRef claims;     // whose rights it runs with; null: the bridge's own, see run_own()
  std::string_view sql; // a literal: prepared once a connection, under the address of its text
  std::vector<std::optional<std::string>> parameters; // nothing: NULL
  std::uint64_t sequence_key = 0; // writes with the same key reach the database in the order they were given
  std::function<void(CommandResult)> done;
};

class PipelinedConnection;

class Database {
 public:
  Database(Loop &loop, const Log &log, const DatabaseSettings &settings, unsigned commands_per_user);
  ~Database();

  void start();

  // Runs a command that changes nothing. If the connection is lost, it is run once more on another.
  void read(Command command);

  // Runs a command that may change something. On other connections than reads, so that a burst of joins cannot starve
  // it. If the connection is lost meanwhile the outcome is unknown: SQLSTATE 08007.
  void write(Command command);

  // Runs a command of the bridge itself, with its own rights, on a connection for these alone: no command of a user can
  // hold them up. They reach the database in the order they were given. If the connection is lost: 08007.
  void run_own(Command command);
  bool own_ready() const;
  void when_own_ready(std::function<void()> ready) { own_ready_ = std::move(ready); }

  // Whether commands of both kinds would reach the database now.
  bool ready() const;

  // The role the connections log in as; empty before the first one did.
  std::string_view own_role() const { return own_role_; }

  struct Pending; // a command and its progress

 private:
  friend class PipelinedConnection;
  using PendingRef = std::unique_ptr<Pending>;

  // Commands of one user. What exceeds the user's share waits here, where it is in nobody's way.
  struct Share {
    unsigned running = 0;
    std::deque<PendingRef> waiting;
  };

  PendingRef prepare(Command command, bool repeatable);
  void admit(Command command, bool repeatable);
  void dispatch(PendingRef pending);
  void finish(PendingRef pending, CommandResult result);
  void release_share(const std::string &user_id);
  void connected(const PipelinedConnection &connection, std::string_view own_role);
  PipelinedConnection &least_loaded_reader();
  void refuse(std::function<void(CommandResult)> done);
  void check_deadlines();

  Loop &loop_;
  const DatabaseSettings &settings_;
  unsigned commands_per_user_;
  std::unordered_map<std::string, Share> shares_; // by user, while it has commands; those without a user have no share
  unsigned unfinished_ = 0;
  std::string own_role_;
  std::vector<std::unique_ptr<PipelinedConnection>> readers_;
  std::vector<std::unique_ptr<PipelinedConnection>> writers_;
  std::unique_ptr<PipelinedConnection> own_;
  std::function<void()> own_ready_;
  LoopTimer deadline_timer_;
  std::vector<std::function<void(CommandResult)>> refused_; // answered on the next turn of the loop
  LoopTimer refusal_timer_;
};

} // namespace pg_live
