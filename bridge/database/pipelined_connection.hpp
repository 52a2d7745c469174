// One connection of the pool: the commands in flight, and which statements the server has prepared.
// Invariants: results arrive in the order of sending, so the front of `sent_` is always the command that the next
// result belongs to; a command is answered at its Sync, when the transaction is decided, and exactly once. A name of a
// prepared statement always means one text, on whatever connection to the server, and each transaction sets all that
// its statements depend on, so what others have left behind on a connection that a pooler shares out changes nothing.
#pragma once

#include "database/command.hpp"
#include "process/settings.hpp"

#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

namespace pg_live {

class PipelinedConnection;

// Where a connection has its commands from.
class CommandSource {
 public:
  virtual ~CommandSource() = default;
  // The command that goes to this connection now; null: none.
  virtual PendingRef next(PipelinedConnection &connection) = 0;
  virtual void finish(PipelinedConnection &connection, PendingRef pending, CommandResult result) = 0;
  // It was not carried out, and is to be sent once more.
  virtual void repeat(PipelinedConnection &connection, PendingRef pending) = 0;
  virtual void connected(PipelinedConnection &connection) = 0;
};

class PipelinedConnection {
 public:
  PipelinedConnection(Loop &loop, const Log &log, const DatabaseSettings &settings, CommandSource &source,
                      std::string name);

  void start() { link_.start(); }
  bool ready() const { return link_.ready() && has_defaults_; }
  std::string_view user() const;            // of a connection that is ready
  std::string_view server_encoding() const; // the same

  // Sends what the source has for it.
  void pump();

  // Gives up a connection that does not answer.
  void check_deadline(std::uint64_t now);

 private:
  struct Statement {
    std::string_view sql;
    std::vector<const char *> values;
  };

  bool send(PendingCommand &pending);
  bool send_prepared(PendingCommand &pending, const std::vector<Statement> &statements);
  bool send_unnamed(const std::vector<Statement> &statements);
  void on_ready();
  void on_readable();
  void on_lost();
  void handle_defaults(const Rows &rows);
  void handle_result(Rows rows);
  void command_done();

  Loop &loop_;
  CommandSource &source_;
  std::deque<PendingRef> sent_;
  std::unordered_set<std::string> prepared_; // names
  bool may_prepare_ = true;                  // until a statement was not there: others share the server's side
  // What was set for the role or the database: a session of the server begins with it.
  bool has_defaults_ = false;
  std::string search_path_;
  std::string time_zone_;
  DatabaseLink link_;
};

} // namespace pg_live
