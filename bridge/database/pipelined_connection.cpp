// Sending and answering commands in pipeline mode.
#include "database/pipelined_connection.hpp"

#include "base/siphash.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr std::uint64_t kGrace = 1500; // milliseconds beyond a command's time before silence means a dead connection

constexpr std::string_view kDefaults =
    "select reset_val, (select r.rolsuper from pg_catalog.pg_roles as r "
    "where r.rolname operator(pg_catalog.=) session_user) from pg_catalog.pg_settings "
    "where name in ('search_path', 'TimeZone') order by lower(name)";

// These two are accepted only before a transaction has a snapshot, so no function can set them.
constexpr std::string_view kIsolation = "set transaction_isolation = 'read committed'";
constexpr std::string_view kReadWrite = "set transaction_read_only = off";

// All that a command depends on, local to its transaction, hence harmless to whoever uses the connection next. Most has
// the right value already: to compare costs less than to set and to restore. The operator is qualified: the search path
// is still what others left. No role is '', which the role becomes in place of a superuser's. The older settings of the
// claims would win over the claims. The encoding comes first: what follows is read in it.
constexpr std::string_view kEncoding =
    "select pg_catalog.set_config('client_encoding', 'UTF8', true) "
    "where pg_catalog.current_setting('client_encoding') operator(pg_catalog.<>) 'UTF8'";
constexpr std::string_view kBecomeUser =
    "select pg_catalog.set_config(name, value, true) from (values ('request.jwt.claims', $1), "
    "('request.jwt.claim.sub', ''), ('request.jwt.claim.role', ''), ('role', case when exists (select from "
    "pg_catalog.pg_roles as r "
    "where r.rolname operator(pg_catalog.=) cast($2 as pg_catalog.text)::pg_catalog.name and r.rolsuper) then '' "
    "else $2 end), ('statement_timeout', $3), "
    "('search_path', $4), ('TimeZone', $5), ('lock_timeout', '0'), ('DateStyle', 'ISO, MDY'), "
    "('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), ('extra_float_digits', '1'), ('row_security', 'on'), "
    "('jit', 'off')) as setting (name, value) "
    "where coalesce(pg_catalog.current_setting(name, true) operator(pg_catalog.<>) value, true)";

std::string_view field(const Rows &rows, int code) {
  const char *text = PQresultErrorField(rows.get(), code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The statement is not there, or is there already: the server's side of the connection is another one than before. Or
// its result type changed with an upgrade. A function of the app may raise 0A000 itself, so the place that raised it is
// part of the condition.
bool statement_is_stale(const Rows &rows) {
  const std::string_view sqlstate = field(rows, PG_DIAG_SQLSTATE);
  return sqlstate == "26000" || sqlstate == "42P05" ||
         (sqlstate == "0A000" && field(rows, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery");
}

// The statement that becomes the user did not like the role: there is none of that name, or the bridge may not be it. A
// command that fails so speaks of its own arguments; here it is the token that cannot be used.
bool role_is_refused(const PendingCommand &pending) {
  const std::string_view sqlstate = pending.error->sqlstate;
  return pending.results == pending.becoming_user && pending.command.claims &&
         (sqlstate == "22023" || sqlstate == "42704" || sqlstate == "42501");
}

// The same for the same text, whoever prepares it.
std::string name_of(std::string_view sql) {
  constexpr SipKey kKey{0x70675f6c697665, 1};
  return "pg_live_" + std::to_string(siphash(kKey, sql));
}

int count(const std::vector<const char *> &values) { return static_cast<int>(values.size()); }

} // namespace

PipelinedConnection::PipelinedConnection(Loop &loop, const Log &log, const DatabaseSettings &settings,
                                         CommandSource &source, std::string name)
    : loop_(loop), source_(source), link_(loop, log, settings.connection_string, std::move(name),
                                          {[this] { on_ready(); }, [this] { on_readable(); }, [this] { on_lost(); }}) {}

std::string_view PipelinedConnection::user() const { return PQuser(link_.connection()); }

std::string_view PipelinedConnection::server_encoding() const {
  const char *encoding = PQparameterStatus(link_.connection(), "server_encoding");
  return encoding == nullptr ? std::string_view() : std::string_view(encoding);
}

void PipelinedConnection::on_ready() {
  PGconn *connection = link_.connection();
  if (PQenterPipelineMode(connection) != 1 || !send_unnamed({{kDefaults, {}}}) || PQpipelineSync(connection) != 1)
    return link_.fail(PQerrorMessage(connection));
  link_.flush();
}

void PipelinedConnection::pump() {
  while (ready()) {
    PendingRef pending = source_.next(*this);
    if (!pending) break;
    sent_.push_back(std::move(pending));
    if (!send(*sent_.back())) return link_.fail(PQerrorMessage(link_.connection()));
  }
  link_.flush();
}

bool PipelinedConnection::send(PendingCommand &pending) {
  const Command &command = pending.command;
  const std::uint64_t left = command.give_up - std::min(command.give_up - 1, loop_.now());
  const std::string timeout = std::to_string(left); // milliseconds; 0 would be none at all
  const Claims *claims = command.claims.get();
  std::vector<Statement> statements = {{kIsolation, {}}};
  if (!pending.changes_nothing) statements.push_back({kReadWrite, {}});
  statements.push_back({kEncoding, {}});
  statements.push_back({kBecomeUser,
                        {claims ? claims->text.c_str() : "", claims ? claims->role.c_str() : "none", timeout.c_str(),
                         search_path_.c_str(), time_zone_.c_str()}});
  statements.push_back({command.sql, {}});
  for (const auto &parameter : command.parameters)
    statements.back().values.push_back(parameter ? parameter->c_str() : nullptr);
  ++pending.attempts;
  pending.results = 0;
  pending.parses.clear();
  pending.becoming_user = static_cast<unsigned>(statements.size()) - 2; // where nothing is parsed before it
  const bool sent =
      may_prepare_ && pending.attempts == 1 ? send_prepared(pending, statements) : send_unnamed(statements);
  pending.preceding = static_cast<unsigned>(pending.parses.size() + statements.size()) - 1;
  return sent && PQpipelineSync(link_.connection()) == 1;
}

// With the Parse of what this connection has not prepared, each right before its use: a Parse takes a snapshot, after
// which the isolation of the transaction is what it is.
bool PipelinedConnection::send_prepared(PendingCommand &pending, const std::vector<Statement> &statements) {
  PGconn *connection = link_.connection();
  unsigned results = 0;
  for (const Statement &each : statements) {
    const std::string name = name_of(each.sql);
    if (prepared_.insert(name).second) {
      if (PQsendPrepare(connection, name.c_str(), std::string(each.sql).c_str(), 0, nullptr) != 1) return false;
      pending.parses.emplace_back(results++, name);
    }
    if (PQsendQueryPrepared(connection, name.c_str(), count(each.values), each.values.data(), nullptr, nullptr, 0) != 1)
      return false;
    if (each.sql == kBecomeUser) pending.becoming_user = results;
    ++results;
  }
  return true;
}

// Parsed each time, which is right on whatever connection of a pooler's it arrives.
bool PipelinedConnection::send_unnamed(const std::vector<Statement> &statements) {
  return std::all_of(statements.begin(), statements.end(), [&](const Statement &each) {
    return PQsendQueryParams(link_.connection(), std::string(each.sql).c_str(), count(each.values), nullptr,
                             each.values.data(), nullptr, nullptr, 0) == 1;
  });
}

void PipelinedConnection::on_readable() {
  while (link_.ready() && (!sent_.empty() || !has_defaults_) && PQisBusy(link_.connection()) == 0) {
    PGresult *result = PQgetResult(link_.connection());
    if (result == nullptr) continue; // it only separates the results of two queries
    if (has_defaults_) {
      handle_result(Rows(result));
    } else {
      handle_defaults(Rows(result));
    }
  }
  pump();
}

void PipelinedConnection::handle_defaults(const Rows &rows) {
  const auto status = PQresultStatus(rows.get());
  if (status == PGRES_TUPLES_OK && rows.count() == 2) {
    if (rows.is_true(0, 1))
      return link_.fail("the role of the bridge must not be a superuser: a token could name any role then");
    search_path_ = rows.text(0, 0);
    time_zone_ = rows.text(1, 0);
  } else if (status == PGRES_PIPELINE_SYNC) {
    has_defaults_ = true;
    link_.reset_backoff();
    source_.connected(*this);
  } else {
    link_.fail(error_of(rows).message);
  }
}

void PipelinedConnection::handle_result(Rows rows) {
  PendingCommand &pending = *sent_.front();
  switch (PQresultStatus(rows.get())) {
  case PGRES_PIPELINE_SYNC:
    return command_done();
  case PGRES_PIPELINE_ABORTED:
    return; // skipped after an error that is already noted
  case PGRES_COMMAND_OK:
  case PGRES_TUPLES_OK:
    if (++pending.results > pending.preceding) pending.rows = std::move(rows);
    return;
  default:
    // Also an error of the commit itself, which comes after the result.
    if (pending.error) return;
    pending.error = error_of(rows);
    pending.stale = statement_is_stale(rows);
    // A standby: it cannot even try.
    if (pending.results < pending.preceding && pending.error->sqlstate == "0A000" && !pending.stale)
      pending.error->sqlstate = "25006";
    if (role_is_refused(pending))
      pending.error = {"28000", "the role of the token cannot be assumed",
                       "the role must exist in the database and be granted to the role of the bridge"};
  }
}

void PipelinedConnection::command_done() {
  PendingRef pending = std::move(sent_.front());
  sent_.pop_front();
  if (sent_.empty() && PQtransactionStatus(link_.connection()) != PQTRANS_IDLE)
    link_.fail("a command left a transaction open");
  if (pending->stale) may_prepare_ = false;
  // A Parse that failed, or was skipped, left no statement.
  if (pending->error)
    for (const auto &[result, name] : pending->parses)
      if (result >= pending->results) prepared_.erase(name);
  if (pending->stale && pending->attempts == 1) {
    pending->error.reset();
    pending->stale = false;
    return source_.repeat(*this, std::move(pending));
  }
  CommandResult result{std::move(pending->rows), std::move(pending->error)};
  source_.finish(*this, std::move(pending), std::move(result));
}

void PipelinedConnection::on_lost() {
  prepared_.clear();
  may_prepare_ = true;
  has_defaults_ = false;
  for (PendingRef &pending : std::exchange(sent_, {})) {
    pending->error.reset();
    if (pending->changes_nothing && pending->attempts == 1) {
      source_.repeat(*this, std::move(pending));
    } else {
      const DatabaseError error{"08007", "the connection to the database was lost before the outcome was known", ""};
      source_.finish(*this, std::move(pending), {{}, error});
    }
  }
}

void PipelinedConnection::check_deadline(std::uint64_t now) {
  if (!sent_.empty() && sent_.front()->command.give_up + kGrace < now) link_.fail("no answer to a command");
}

} // namespace pg_live
