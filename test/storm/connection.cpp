// Runs statements over libpq and tells a lost connection from a failed statement.
#include "connection.hpp"

#include <charconv>
#include <poll.h>
#include <string>
#include <thread>
#include <vector>

namespace pg_live::storm {

using namespace std::chrono_literals;

namespace {

// Errors that libpq makes itself have no SQLSTATE; class 57P is the server's farewell.
bool is_connection_error(const PGresult *result) {
  const char *const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return sqlstate == nullptr || std::string_view(sqlstate).substr(0, 3) == "57P";
}

} // namespace

std::string_view Result::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Result::number(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw StatementFailed("not a number: \"" + std::string(digits) + '"');
  return value;
}

Connection::Connection(const std::string &address, const char *application_name) {
  const char *const names[] = {"dbname", "fallback_application_name", nullptr};
  const char *const values[] = {address.c_str(), application_name, nullptr};
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  for (;;) {
    connection_.reset(PQconnectdbParams(names, values, 1));
    if (PQstatus(connection_.get()) == CONNECTION_OK) break;
    if (std::chrono::steady_clock::now() > deadline) throw ConnectionLost(PQerrorMessage(connection_.get()));
    std::this_thread::sleep_for(20ms);
  }
  const PQnoticeProcessor ignore = [](void *, const char *) {};
  PQsetNoticeProcessor(connection_.get(), ignore, nullptr);
}

Result Connection::run(const char *statement, std::initializer_list<std::string_view> parameters) {
  std::vector<const char *> values;
  const std::vector<std::string> copies(parameters.begin(), parameters.end());
  values.reserve(copies.size());
  for (const std::string &copy : copies)
    values.push_back(copy.c_str());

  Result result(PQexecParams(connection_.get(), statement, static_cast<int>(values.size()), nullptr, values.data(),
                             nullptr, nullptr, 0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
  if (is_connection_error(result.get())) throw ConnectionLost(PQerrorMessage(connection_.get()));
  throw StatementFailed(std::string(statement) + ": " + PQerrorMessage(connection_.get()));
}

bool Connection::consume_notifications() {
  if (PQconsumeInput(connection_.get()) == 0) throw ConnectionLost(PQerrorMessage(connection_.get()));
  bool found = false;
  while (PGnotify *const notification = PQnotifies(connection_.get())) {
    PQfreemem(notification);
    found = true;
  }
  return found;
}

bool Connection::wait_for_notification(std::chrono::milliseconds longest) {
  if (consume_notifications()) return true;
  pollfd socket{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  if (poll(&socket, 1, static_cast<int>(longest.count())) <= 0) return false;
  return consume_notifications();
}

} // namespace pg_live::storm
