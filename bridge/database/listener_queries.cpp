// What the listener sends: one query, or a wait for the next batch and the fetch of it in one pipeline.
#include "database/listener.hpp"

#include "database/listener_sql.hpp"

#include <libpq-fe.h>

#include <array>
#include <string>

namespace pg_live {

namespace {

// The arguments of live.fetch_events().
class FetchArguments {
 public:
  FetchArguments(std::int64_t batch, std::optional<std::int64_t> id, unsigned max_events)
      : batch_(std::to_string(batch)), id_(id ? std::to_string(*id) : ""),
        max_events_(std::to_string(max_events)), values_{batch_.c_str(), id ? id_.c_str() : nullptr,
                                                         max_events_.c_str()} {}
  FetchArguments(const FetchArguments &) = delete;
  FetchArguments &operator=(const FetchArguments &) = delete;

  int count() const { return values_.size(); }
  const char *const *values() const { return values_.data(); }

 private:
  std::string batch_, id_, max_events_;
  std::array<const char *, 3> values_; // into the others
};

} // namespace

void Listener::send(Query query) {
  running_ = query;
  asked_at_ = loop_.now();
  PGconn *connection = link_.connection();
  const auto simple = [&](const char *text) { return PQsendQuery(connection, text) == 1; };
  bool sent = false;
  switch (query) {
  case Query::none:
    return;
  case Query::pin_settings:
    sent = simple(listener_sql::kPinSettings);
    break;
  case Query::listen:
    sent = simple("listen pg_live");
    break;
  case Query::start: {
    const std::string known = std::to_string(durable_batch_);
    const std::array values = {known.c_str()};
    sent = PQsendQueryParams(connection, listener_sql::kState, 1, nullptr, values.data(), nullptr, nullptr, 0) == 1;
    break;
  }
  case Query::prepare:
    sent = PQsendPrepare(connection, "pg_live_fetch", listener_sql::kFetch, 0, nullptr) == 1;
    break;
  case Query::publish:
    sent = simple(listener_sql::kPublish);
    break;
  case Query::fetch:
    sent = send_fetch();
    break;
  case Query::find_next:
    sent = send_find_next();
    break;
  case Query::drop_expired:
    maintained_at_ = loop_.now();
    sent = simple(listener_sql::kDropExpired);
    break;
  case Query::refresh:
    sent = simple(listener_sql::kRefresh);
    break;
  case Query::expire_presence:
    sent = simple(listener_sql::kExpirePresence);
    break;
  case Query::heartbeat:
    sent = simple(listener_sql::kHeartbeat);
    break;
  case Query::await:
    sent = send_await();
    break;
  }
  if (!sent) return link_.fail(PQerrorMessage(connection));
  link_.flush();
}

// The server goes on with the fetch by itself once the wait ends: the way here and back is saved.
bool Listener::send_await() {
  PGconn *connection = link_.connection();
  const std::string known = std::to_string(last_->batch);
  const std::array values = {known.c_str()};
  in_pipeline_ = true;
  return PQenterPipelineMode(connection) == 1 &&
         PQsendQueryParams(connection, listener_sql::kAwait, 1, nullptr, values.data(), nullptr, nullptr, 0) == 1 &&
         send_page() && PQpipelineSync(connection) == 1;
}

bool Listener::send_fetch() { return send_page() && PQsetSingleRowMode(link_.connection()) == 1; }

bool Listener::send_page() {
  page_events_ = 0;
  failed_.reset();
  const FetchArguments arguments(last_->batch, last_->id, page_size_);
  return PQsendQueryPrepared(link_.connection(), "pg_live_fetch", arguments.count(), arguments.values(), nullptr,
                             nullptr, 0) == 1;
}

bool Listener::send_find_next() {
  const FetchArguments arguments(last_->batch, last_->id, 1);
  return PQsendQueryParams(link_.connection(), listener_sql::kFindNext, arguments.count(), nullptr, arguments.values(),
                           nullptr, nullptr, 0) == 1;
}

} // namespace pg_live
