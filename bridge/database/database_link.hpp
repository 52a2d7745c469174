// One libpq connection: connects, watches its socket, and reconnects with jittered backoff, without blocking.
// Invariant: connection() is usable only between the callbacks `ready` and `lost`; each `ready` is followed by at most
// one `lost`. Each attempt begins with another one of the servers in the connection string until one succeeds. (libpq
// resolves the host names of a connection string synchronously: use hostaddr, or a resolver that is near.)
#pragma once

#include "database/database_error.hpp"
#include "database/server_list.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

struct pg_conn;
struct pg_result;

namespace pg_live {

// Owns one result of libpq. Views into it are valid for its lifetime.
class Rows {
 public:
  Rows() : result_(nullptr, nullptr) {}
  explicit Rows(pg_result *result);

  int count() const;
  int columns() const;
  std::string_view text(int row, int column) const; // empty for NULL
  bool is_null(int row, int column) const;
  std::int64_t number(int row, int column) const; // 0 if the text is not a number
  bool is_true(int row, int column) const { return text(row, column) == "t"; }
  pg_result *get() const { return result_.get(); }

 private:
  std::unique_ptr<pg_result, void (*)(pg_result *)> result_;
};

// The error a failed result carries.
DatabaseError error_of(const Rows &rows);

class DatabaseLink {
 public:
  struct Callbacks {
    std::function<void()> ready;    // connected; called before anything is read
    std::function<void()> readable; // PQconsumeInput has succeeded
    std::function<void()> lost;     // connection() is gone; the next attempt is already scheduled
  };

  // `name` tells connections apart in the log and in pg_stat_activity.
  DatabaseLink(Loop &loop, const Log &log, std::string connection_string, std::string name, Callbacks callbacks);
  ~DatabaseLink();

  void start() { connect(); }
  bool ready() const { return ready_; }
  pg_conn *connection() const { return connection_.get(); }

  // Sends what libpq has buffered, now or when the socket is writable. Call after every PQsend….
  void flush();

  // The connection has proved useful: the next loss starts with the shortest pause again. Until this is called pauses
  // keep growing, so a database that accepts connections but answers no query is not retried in a tight loop.
  void reset_backoff() { failures_ = 0; }

  // Stops or resumes reading from the socket. While its buffer is full, the server waits.
  void stop_reading();
  void resume_reading();

  // Closes the connection and schedules the next attempt.
  void fail(std::string_view reason);

 private:
  void connect();
  void advance();
  void became_ready();
  void on_socket(int events);
  void watch();
  void plan_attempt();

  Loop &loop_;
  const Log &log_;
  ServerList servers_;
  std::string name_;
  Callbacks callbacks_;
  std::unique_ptr<pg_conn, void (*)(pg_conn *)> connection_;
  std::optional<Watcher> watcher_; // of the connection's socket: always destroyed first
  LoopTimer timer_;                // the next attempt, or the timeout of the current one
  std::minstd_rand random_;
  unsigned failures_ = 0;
  bool ready_ = false;
  bool reading_ = true;
  bool writing_ = false;
};

} // namespace pg_live
