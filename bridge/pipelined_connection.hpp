// One connection of the pool: its queue, the commands in flight, and which statements it has prepared.
// Invariant: results arrive in the order of sending, so the front of `sent_` is always the command that the next result
// belongs to; a command is answered at its Sync, when the transaction is decided, and exactly once.
#pragma once

#include "database.hpp"

#include <deque>
#include <unordered_map>

namespace pg_live {

// A command on its way. Results up to its last one (those of Parse and of taking the role) are only looked at for
// errors.
struct Database::Pending {
  Command command;
  bool repeatable = false;   // reads: safe to run again
  unsigned attempts = 0;     // how often it was sent
  std::uint64_t give_up = 0; // Loop::now() when it is too late
  unsigned parses = 0;       // Parse messages sent along
  unsigned results = 0;
  bool stale = false; // the prepared statement did not fit any more
  Rows rows;
  std::optional<DatabaseError> error;
};

class PipelinedConnection {
 public:
  PipelinedConnection(Loop &loop, const Log &log, const DatabaseSettings &settings, Database &pool, std::string name);

  void start() { link_.start(); }
  bool ready() const { return link_.ready(); }
  std::size_t load() const { return waiting_.size() + sent_.size(); }

  void submit(std::unique_ptr<Database::Pending> pending);
  void submit_first(std::unique_ptr<Database::Pending> pending);

  // Answers what has waited too long, and gives up a connection that does not answer.
  void check_deadlines(std::uint64_t now);

 private:
  void pump();
  bool send(Database::Pending &pending);
  std::string prepare(std::string_view sql, unsigned &parses);
  void on_ready();
  void on_readable();
  void on_lost();
  void take_result(Rows rows);
  void command_done();

  Loop &loop_;
  const DatabaseSettings &settings_;
  Database &pool_;
  std::deque<std::unique_ptr<Database::Pending>> waiting_;
  std::deque<std::unique_ptr<Database::Pending>> sent_;
  std::unordered_map<const char *, std::string> prepared_; // statement names by the address of their text
  unsigned statements_ = 0;
  std::uint64_t progress_ = 0; // Loop::now() of the last sign of life while commands are in flight
  DatabaseLink link_;
};

} // namespace pg_live
