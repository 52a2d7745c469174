// A small state machine: listen, start, prepare, then fetch whenever there may be something.
#include "listener.hpp"

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <utility>

namespace pg_live {

namespace {

// A page is handed over in parts of about this size, so that large payloads do not pile up.
constexpr std::size_t kPartBytes = 256 << 10;

// Receivers that do not keep up after a part are looked at again so often and for so long.
constexpr Milliseconds kLook{5};
constexpr unsigned kMostLooks = 20;

constexpr std::uint64_t kPatience = 60000; // milliseconds for one page; silence beyond means a dead connection

constexpr std::uint64_t kMaintainEvery = 600000; // milliseconds

constexpr const char *kStart = "select live.status()->>'mode', live.newest_batch()";
constexpr const char *kFetch =
    "select batch, id, topic, event, payload::text, durable from live.fetch_events($1, $2, $3)";

std::int64_t to_number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

} // namespace

Listener::Listener(Loop &loop, const Log &log, const DatabaseSettings &settings, EventReceiver &receiver)
    : loop_(loop), log_(log), settings_(settings), receiver_(receiver),
      link_(loop, log, settings.listen_connection_string, "listener",
            {[this] { on_ready(); }, [this] { on_readable(); }, [this] { on_lost(); }}),
      poll_timer_(loop, [this] { poll(); }), pause_timer_(loop, [this] { look_whether_to_go_on(); }) {}

void Listener::poll() {
  if (paused_) return;
  if (running_ == Query::none) {
    // Also with a worker, which may be away: it costs next to nothing when nothing waits.
    must_publish_ = true;
    must_expire_presence_ = in_transaction_mode_;
    must_maintain_ = in_transaction_mode_ && loop_.now() - maintained_at_ > kMaintainEvery;
    look();
  } else if (loop_.now() - asked_at_ > kPatience) {
    link_.fail("no answer to a query of the listener");
  }
}

void Listener::on_ready() {
  poll_timer_.start(Milliseconds{settings_.poll_seconds * 1000}, Milliseconds{settings_.poll_seconds * 1000});
  send(Query::listen);
}

void Listener::on_lost() {
  poll_timer_.stop();
  running_ = Query::none;
  must_look_ = must_publish_ = must_maintain_ = must_expire_presence_ = caught_up_ = paused_ = false;
  pause_timer_.stop();
  page_.clear();
  rows_.clear();
  page_bytes_ = 0;
}

void Listener::send(Query query) {
  running_ = query;
  asked_at_ = loop_.now();
  PGconn *connection = link_.connection();
  int sent = 0;
  switch (query) {
  case Query::none:
    return;
  case Query::listen:
    sent = PQsendQuery(connection, "listen pg_live");
    break;
  case Query::start:
    sent = PQsendQuery(connection, kStart);
    break;
  case Query::prepare:
    sent = PQsendPrepare(connection, "pg_live_fetch", kFetch, 0, nullptr);
    break;
  case Query::publish:
    sent = PQsendQuery(connection, "select live.publish()");
    break;
  case Query::maintain:
    maintained_at_ = loop_.now();
    sent = PQsendQuery(connection, "select live.drop_expired_events(), live.refresh_summaries()");
    break;
  case Query::expire_presence:
    sent = PQsendQuery(connection, "select live.expire_presence()");
    break;
  case Query::fetch:
    return send_fetch();
  }
  if (sent != 1) return link_.fail(PQerrorMessage(connection));
  link_.flush();
}

void Listener::send_fetch() {
  const std::string batch = std::to_string(last_->batch);
  const std::string id = last_->id ? std::to_string(*last_->id) : "";
  const std::string most = std::to_string(settings_.page_events);
  const std::array values = {batch.c_str(), last_->id ? id.c_str() : nullptr, most.c_str()};
  page_events_ = 0;
  PGconn *connection = link_.connection();
  if (PQsendQueryPrepared(connection, "pg_live_fetch", values.size(), values.data(), nullptr, nullptr, 0) != 1 ||
      PQsetSingleRowMode(connection) != 1)
    return link_.fail(PQerrorMessage(connection));
  link_.flush();
}

void Listener::on_readable() {
  take_results();
  if (link_.ready()) read_doorbells();
}

void Listener::take_results() {
  while (running_ != Query::none && !paused_ && PQisBusy(link_.connection()) == 0) {
    PGresult *result = PQgetResult(link_.connection());
    if (result == nullptr) {
      finished();
    } else {
      take_result(Rows(result));
    }
  }
}

void Listener::look_whether_to_go_on() {
  if (!receiver_.keeps_up()) {
    if (++looks_ < kMostLooks) return;
    receiver_.give_up_waiting();
  }
  pause_timer_.stop();
  paused_ = false;
  link_.read(true);
  on_readable(); // libpq may have read more than was taken
}

void Listener::read_doorbells() {
  while (PGnotify *doorbell = PQnotifies(link_.connection())) {
    const std::string_view batch = doorbell->extra;
    if (batch.empty()) must_publish_ = true;
    // What was fetched already needs no look; anything else does, whatever the payload says.
    if (batch.empty() || !last_ || to_number(batch) > last_->batch) must_look_ = true;
    PQfreemem(doorbell);
  }
  if (must_look_) look();
}

void Listener::take_result(Rows rows) {
  switch (PQresultStatus(rows.get())) {
  case PGRES_SINGLE_TUPLE:
    return take_event(std::move(rows));
  case PGRES_COMMAND_OK:
    return;
  case PGRES_TUPLES_OK:
    if (running_ == Query::start && rows.count() == 1) {
      in_transaction_mode_ = rows.text(0, 0) == "in-transaction";
      if (!last_) last_ = Seen{rows.number(0, 1), std::nullopt};
    }
    return;
  default: {
    const DatabaseError error = error_of(rows);
    log_.warning("could not follow the events", {{"sqlstate", error.sqlstate}, {"error", error.message}});
    link_.fail("a query of the listener failed");
  }
  }
}

void Listener::take_event(Rows rows) {
  LiveEvent event;
  event.position = {rows.number(0, 0), rows.number(0, 1)};
  event.topic = rows.text(0, 2);
  event.event = rows.text(0, 3);
  event.payload = rows.text(0, 4);
  event.durable = rows.is_true(0, 5);
  ++page_events_;
  if (rows.is_null(0, 4)) return skip(event);
  page_bytes_ += event.payload.size();
  page_.push_back(event);
  rows_.push_back(std::move(rows));
  if (page_bytes_ >= kPartBytes) hand_over();
}

// One event that cannot be sent does not stop those behind it.
void Listener::skip(const LiveEvent &event) {
  hand_over();
  last_ = Seen{event.position.batch, event.position.id};
  log_.error("skipped an event that cannot be sent",
             {{"position", format_position(event.position)}, {"topic", event.topic}, {"event", event.event}});
}

void Listener::hand_over() {
  if (page_.empty()) return;
  last_ = Seen{page_.back().position.batch, page_.back().position.id};
  receiver_.deliver(page_);
  page_.clear();
  rows_.clear();
  page_bytes_ = 0;
  if (receiver_.keeps_up()) return;
  paused_ = true;
  looks_ = 0;
  link_.read(false);
  pause_timer_.start(kLook, kLook);
}

void Listener::finished() {
  const Query query = running_;
  running_ = Query::none;
  switch (query) {
  case Query::none:
    return;
  case Query::listen:
    return send(Query::start);
  case Query::start:
    return send(Query::prepare);
  case Query::prepare:
    must_publish_ = in_transaction_mode_;
    return look();
  case Query::publish:
    return send(Query::fetch);
  case Query::maintain:
  case Query::expire_presence:
    return next();
  case Query::fetch:
    hand_over();
    if (page_events_ >= settings_.page_events) {
      must_look_ = true;
    } else if (page_events_ > 0) {
      last_->id.reset(); // a batch becomes visible whole: all of it was seen
    }
    return next();
  }
}

void Listener::look() {
  must_look_ = true;
  if (link_.ready() && running_ == Query::none) next();
}

void Listener::next() {
  if (!must_look_) {
    if (std::exchange(must_expire_presence_, false)) return send(Query::expire_presence);
    if (std::exchange(must_maintain_, false)) return send(Query::maintain);
    if (!std::exchange(caught_up_, true)) {
      log_.info("following the events", {{"in_transaction_mode", in_transaction_mode_}});
      receiver_.caught_up();
    }
    link_.works();
    return;
  }
  must_look_ = false;
  send(std::exchange(must_publish_, false) ? Query::publish : Query::fetch);
}

} // namespace pg_live
