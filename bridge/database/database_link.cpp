// Connecting and reconnecting. libpq closes and reopens its socket inside PQconnectPoll and usually gets the same
// number again, so an unchanged number proves nothing: while connecting, the watcher is destroyed before each
// PQconnectPoll and created again after it.
#include "database/database_link.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace pg_live {

namespace {

constexpr Milliseconds kFirstPause{100};
constexpr Milliseconds kMaxPause{3000};

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

} // namespace

Rows::Rows(pg_result *result) : result_(result, PQclear) {}

int Rows::count() const { return PQntuples(result_.get()); }

int Rows::columns() const { return PQnfields(result_.get()); }

std::string_view Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Rows::number(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool Rows::is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

DatabaseError error_of(const Rows &rows) {
  const auto field = [&](int code) {
    const char *text = PQresultErrorField(rows.get(), code);
    return std::string(text == nullptr ? "" : text);
  };
  DatabaseError error{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_MESSAGE_HINT)};
  if (error.sqlstate.empty()) error = {"08006", first_line(PQresultErrorMessage(rows.get())), ""};
  return error;
}

DatabaseLink::DatabaseLink(Loop &loop, const Log &log, std::string connection_string, std::string name,
                           Callbacks callbacks)
    : loop_(loop), log_(log), servers_(std::move(connection_string)), name_(std::move(name)),
      callbacks_(std::move(callbacks)), connection_(nullptr, PQfinish), timer_(loop,
                                                                               [this] {
                                                                                 if (connection_) {
                                                                                   fail("connecting took too long");
                                                                                 } else {
                                                                                   connect();
                                                                                 }
                                                                               }),
      random_(std::random_device{}()) {}

DatabaseLink::~DatabaseLink() { watcher_.reset(); }

void DatabaseLink::connect() {
  const std::string application = "pg-live-bridge " + name_;
  // Keywords before the connection string are defaults, those behind it replace its own. The defaults detect a dead
  // peer within seconds.
  std::vector<const char *> keywords = {
      "keepalives_idle", "keepalives_interval",       "keepalives_count", "tcp_user_timeout",
      "dbname",          "fallback_application_name", "client_encoding"};
  std::vector<const char *> values = {"5",
                                      "2",
                                      "3",
                                      "10000", // milliseconds
                                      servers_.connection_string().c_str(),
                                      application.c_str(),
                                      "UTF8"};
  for (const auto &[keyword, value] : servers_.order()) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
    fail(connection_ ? PQerrorMessage(connection_.get()) : "out of memory");
    return;
  }
  // By default libpq prints notices on standard error, where they would break the JSON log.
  const PQnoticeReceiver ignore = [](void *, const PGresult *) {};
  PQsetNoticeReceiver(connection_.get(), ignore, nullptr);
  timer_.start(servers_.patience());
  watcher_.emplace(loop_, PQsocket(connection_.get()), [this](int) { advance(); });
  watcher_->watch(UV_WRITABLE);
}

void DatabaseLink::advance() {
  watcher_.reset();
  const PostgresPollingStatusType status = PQconnectPoll(connection_.get());
  if (status == PGRES_POLLING_OK) {
    became_ready();
  } else if (status == PGRES_POLLING_FAILED) {
    fail(PQerrorMessage(connection_.get()));
  } else {
    watcher_.emplace(loop_, PQsocket(connection_.get()), [this](int) { advance(); });
    watcher_->watch(status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
  }
}

void DatabaseLink::became_ready() {
  timer_.stop();
  if (PQsetnonblocking(connection_.get(), 1) != 0) return fail(PQerrorMessage(connection_.get()));
  ready_ = true;
  reading_ = true;
  writing_ = false;
  log_.info("connected to the database", {{"connection", name_}, {"backend", PQbackendPID(connection_.get())}});
  watcher_.emplace(loop_, PQsocket(connection_.get()), [this](int events) { on_socket(events); });
  watcher_->watch(UV_READABLE);
  callbacks_.ready();
}

void DatabaseLink::on_socket(int events) {
  if ((events & UV_READABLE) != 0) {
    if (PQconsumeInput(connection_.get()) == 0) return fail(PQerrorMessage(connection_.get()));
    callbacks_.readable();
    if (!ready_) return; // the callback called fail()
  }
  if ((events & UV_WRITABLE) != 0) flush();
}

void DatabaseLink::flush() {
  if (!ready_) return;
  const int pending = PQflush(connection_.get());
  if (pending < 0) return fail(PQerrorMessage(connection_.get()));
  if ((pending > 0) == writing_) return;
  writing_ = pending > 0;
  watch();
}

void DatabaseLink::stop_reading() {
  reading_ = false;
  if (ready_) watch();
}

void DatabaseLink::resume_reading() {
  reading_ = true;
  if (ready_) watch();
}

void DatabaseLink::watch() { watcher_->watch((reading_ ? UV_READABLE : 0) | (writing_ ? UV_WRITABLE : 0)); }

void DatabaseLink::fail(std::string_view reason) {
  const bool was_ready = ready_;
  log_.warning(was_ready ? "lost the connection to the database" : "could not connect to the database",
               {{"connection", name_}, {"reason", first_line(reason)}});
  ready_ = false;
  watcher_.reset();
  connection_.reset();
  // libpq goes on to the next server by itself if one refuses, but not if one says nothing, or closes the connection
  // as a proxy does whose server is away.
  if (!was_ready) servers_.rotate();
  plan_attempt();
  if (was_ready) callbacks_.lost();
}

void DatabaseLink::plan_attempt() {
  // Jitter keeps many bridges from reconnecting to a restarted database in step.
  const auto pause = std::min(kFirstPause * (1 << std::min(failures_, 10u)), kMaxPause);
  std::uniform_int_distribution<Milliseconds::rep> spread(pause.count() / 2, pause.count() * 3 / 2);
  ++failures_;
  timer_.start(Milliseconds{spread(random_)});
}

} // namespace pg_live
