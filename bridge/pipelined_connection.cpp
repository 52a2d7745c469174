// Sending and answering commands in pipeline mode.
#include "pipelined_connection.hpp"

#include <libpq-fe.h>

#include <array>
#include <utility>

namespace pg_live {

namespace {

// Enough to keep the server busy; more would only move the queue to where it cannot be bounded or answered.
constexpr std::size_t kMaxSent = 16;
constexpr std::uint64_t kGrace = 5000; // milliseconds beyond statement_timeout before silence means a dead connection

// Local to the transaction, hence harmless to whoever uses the connection next, and right behind a pooler too.
constexpr std::string_view kBecomeUser =
    "select set_config('request.jwt.claims', $1, true), set_config('role', $2, true), "
    "set_config('statement_timeout', $3, true)";

std::string_view field(const Rows &rows, int code) {
  const char *text = PQresultErrorField(rows.get(), code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The statement is gone (another session of a pooler), or its result type changed with an upgrade. A function of the
// app may raise 0A000 itself, so the place that raised it is part of the condition.
bool statement_is_stale(const Rows &rows) {
  const std::string_view sqlstate = field(rows, PG_DIAG_SQLSTATE);
  return sqlstate == "26000" ||
         (sqlstate == "0A000" && field(rows, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery");
}

} // namespace

PipelinedConnection::PipelinedConnection(Loop &loop, const Log &log, const DatabaseSettings &settings, Database &pool,
                                         std::string name)
    : loop_(loop), settings_(settings), pool_(pool),
      link_(loop, log, settings.connection_string, std::move(name),
            {[this] { on_ready(); }, [this] { on_readable(); }, [this] { on_lost(); }}) {}

void PipelinedConnection::submit(std::unique_ptr<Database::Pending> pending) {
  waiting_.push_back(std::move(pending));
  pump();
}

void PipelinedConnection::submit_first(std::unique_ptr<Database::Pending> pending) {
  waiting_.push_front(std::move(pending));
  pump();
}

void PipelinedConnection::on_ready() {
  if (PQenterPipelineMode(link_.connection()) != 1) return link_.fail(PQerrorMessage(link_.connection()));
  link_.works();
  pump();
  pool_.connected(*this, PQuser(link_.connection()));
}

void PipelinedConnection::pump() {
  while (link_.ready() && !waiting_.empty() && sent_.size() < kMaxSent) {
    if (sent_.empty()) progress_ = loop_.now();
    sent_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    if (!send(*sent_.back())) return link_.fail(PQerrorMessage(link_.connection()));
  }
  link_.flush();
}

bool PipelinedConnection::send(Database::Pending &pending) {
  PGconn *connection = link_.connection();
  const Command &command = pending.command;
  ++pending.attempts;
  pending.parses = pending.results = 0;
  const std::string become_user = prepare(kBecomeUser, pending.parses);
  const std::string statement = prepare(command.sql, pending.parses);
  const std::string timeout = std::to_string(settings_.statement_timeout_seconds) + "s";
  const Claims *claims = command.claims.get();
  const std::array user = {claims ? claims->text.c_str() : "", claims ? claims->role.c_str() : "none", timeout.c_str()};
  std::vector<const char *> values;
  for (const auto &parameter : command.parameters)
    values.push_back(parameter ? parameter->c_str() : nullptr);
  return !become_user.empty() && !statement.empty() &&
         PQsendQueryPrepared(connection, become_user.c_str(), user.size(), user.data(), nullptr, nullptr, 0) == 1 &&
         PQsendQueryPrepared(connection, statement.c_str(), static_cast<int>(values.size()), values.data(), nullptr,
                             nullptr, 0) == 1 &&
         PQpipelineSync(connection) == 1;
}

// The name of the prepared statement; sends its Parse if this connection has not seen it. Empty if that could not be
// sent.
std::string PipelinedConnection::prepare(std::string_view sql, unsigned &parses) {
  const auto known = prepared_.find(sql.data());
  if (known != prepared_.end()) return known->second;
  std::string name = "pg_live_" + std::to_string(++statements_);
  if (PQsendPrepare(link_.connection(), name.c_str(), std::string(sql).c_str(), 0, nullptr) != 1) return "";
  ++parses;
  return prepared_.emplace(sql.data(), name).first->second;
}

void PipelinedConnection::on_readable() {
  progress_ = loop_.now();
  while (link_.ready() && !sent_.empty() && PQisBusy(link_.connection()) == 0) {
    PGresult *result = PQgetResult(link_.connection());
    if (result != nullptr) take_result(Rows(result)); // null only separates the results of two queries
  }
  pump();
}

void PipelinedConnection::take_result(Rows rows) {
  Database::Pending &pending = *sent_.front();
  switch (PQresultStatus(rows.get())) {
  case PGRES_PIPELINE_SYNC:
    return command_done();
  case PGRES_PIPELINE_ABORTED:
    return; // skipped after an error that is already noted
  case PGRES_COMMAND_OK:
  case PGRES_TUPLES_OK:
    if (++pending.results > pending.parses + 1) pending.rows = std::move(rows);
    return;
  default:
    // Also an error of the commit itself, which comes after the result.
    if (pending.error) return;
    pending.error = error_of(rows);
    pending.stale = statement_is_stale(rows);
  }
}

void PipelinedConnection::command_done() {
  std::unique_ptr<Database::Pending> pending = std::move(sent_.front());
  sent_.pop_front();
  if (sent_.empty() && PQtransactionStatus(link_.connection()) != PQTRANS_IDLE)
    link_.fail("a command left a transaction open");
  // A Parse that failed, or was skipped, left no statement; a stale one is of no use. Old names are not used again.
  if (pending->error && (pending->stale || pending->results < pending->parses)) prepared_.clear();
  if (pending->stale && pending->attempts == 1) {
    pending->error.reset();
    pending->stale = false;
    return submit_first(std::move(pending));
  }
  CommandResult result{std::move(pending->rows), std::move(pending->error)};
  pool_.finish(std::move(pending), std::move(result));
}

void PipelinedConnection::on_lost() {
  prepared_.clear();
  auto lost = std::exchange(sent_, {});
  for (auto &pending : lost) {
    pending->error.reset();
    if (pending->repeatable && pending->attempts == 1) {
      pool_.dispatch(std::move(pending));
    } else {
      const DatabaseError error{"08007", "the connection to the database was lost before the outcome was known", ""};
      pool_.finish(std::move(pending), {{}, error});
    }
  }
}

void PipelinedConnection::check_deadlines(std::uint64_t now) {
  const std::uint64_t patience = settings_.statement_timeout_seconds * 1000u + kGrace;
  if (!sent_.empty() && progress_ + patience < now) link_.fail("no answer to a command");
  while (!waiting_.empty() && waiting_.front()->give_up < now) {
    auto pending = std::move(waiting_.front());
    waiting_.pop_front();
    pool_.finish(std::move(pending), {{}, DatabaseError{"08001", "the database cannot be reached", "try again later"}});
  }
}

} // namespace pg_live
