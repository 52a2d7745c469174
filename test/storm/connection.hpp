// One libpq connection for one thread, and what can go wrong with it.
//
// A lost connection is an everyday event in a storm and says nothing about a commit in flight; an error of a statement
// is a defect and ends the storm.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <libpq-fe.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pg_live::storm {

struct ConnectionLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct StatementFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Result {
 public:
  explicit Result(PGresult *result) : result_(result) {}

  PGresult *get() const { return result_.get(); }
  int rows() const { return PQntuples(result_.get()); }
  std::string_view text(int row, int column) const;
  // The value as a number; a value that is none throws StatementFailed.
  std::int64_t number(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult *result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class Connection {
 public:
  // Connects, and tries again while the server starts or recovers, for a minute at most.
  Connection(const std::string &address, const char *application_name);

  // Runs one statement. Throws ConnectionLost when the server went away, StatementFailed on an error.
  Result run(const char *statement, std::initializer_list<std::string_view> parameters = {});

  // Waits for a notification of a channel this connection listens on, or the end of the time. Returns whether one came;
  // all that came are consumed.
  bool wait_for_notification(std::chrono::milliseconds longest);

  int backend_pid() const { return PQbackendPID(connection_.get()); }

 private:
  bool consume_notifications();

  struct Finish {
    void operator()(PGconn *connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

} // namespace pg_live::storm
