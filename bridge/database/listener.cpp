// A state machine: pins the settings, listens, starts, prepares, and then fetches whenever there may be new events.
#include "database/listener.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace pg_live {

namespace {

// A page is delivered in parts of about this size, so that large payloads do not accumulate.
constexpr std::size_t kPartBytes = 256 << 10;

// How often receivers that fell behind are checked, and for how long the stream waits for them: up to a second, and one
// millisecond more for every 25 kB delivered. So slow readers never bring the stream below 25 MB/s.
constexpr Milliseconds kCheckInterval{5};
constexpr WaitBudget::Limits kWaiting{1000, 25000};

constexpr unsigned kMaxFailures = 5; // of one event, out of memory

// Milliseconds.
constexpr std::uint64_t kTick = 1000;             // a silent server is asked for a sign of life so often
constexpr std::uint64_t kHeardLately = 3000;      // readiness
constexpr std::uint64_t kPatience = 5000;         // silence beyond means a dead connection
constexpr std::uint64_t kPublishPatience = 15000; // many events may have been emitted since the last publish
constexpr std::uint64_t kMaxPatience = 60000;
constexpr std::uint64_t kMaintainEvery = 600000;

std::int64_t to_number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Whether a fetch may have failed because of one of its events: data that cannot be rendered or is too large, memory
// that does not suffice for it, a stored value that is broken.
bool may_be_of_one_event(const DatabaseError &error) {
  const std::string_view sqlstate = error.sqlstate;
  return sqlstate.starts_with("22") || sqlstate.starts_with("54") || sqlstate.starts_with("XX") || sqlstate == "53200";
}

} // namespace

Listener::Listener(Loop &loop, const Log &log, const DatabaseSettings &settings, EventReceiver &receiver)
    : loop_(loop), log_(log), settings_(settings), receiver_(receiver),
      link_(loop, log, settings.listen_connection_string, "listener",
            {[this] { on_ready(); }, [this] { on_readable(); }, [this] { on_lost(); }}),
      tick_timer_(loop, [this] { tick(); }), pause_timer_(loop, [this] { resume_if_ready(); }), waiting_(kWaiting),
      page_size_(settings.page_events) {}

bool Listener::ready() const { return caught_up_ && loop_.now() - heard_at_ <= kHeardLately; }

// Doubles with each connection that fell silent, so that a server that is merely slow can answer eventually.
std::uint64_t Listener::patience() const {
  if (running_ == Query::drop_expired || running_ == Query::refresh) return kMaxPatience;
  const std::uint64_t first = running_ == Query::publish ? kPublishPatience : kPatience;
  return std::min(first << std::min(silences_, 4U), kMaxPatience);
}

void Listener::tick() {
  if (paused_) return;
  const std::uint64_t now = loop_.now();
  if (running_ != Query::none && now - std::max(asked_at_, heard_at_) > patience()) {
    ++silences_;
    return link_.fail("no answer to a query of the listener");
  }
  if (running_ != Query::none && running_ != Query::await) return;
  if (now - polled_at_ >= settings_.poll_seconds * 1000u) {
    polled_at_ = now;
    // Also with a worker, which may be away: it costs next to nothing when nothing waits.
    must_publish_ = true;
    must_expire_presence_ = in_transaction_mode_;
    if (in_transaction_mode_ && (!maintained_at_ || now - *maintained_at_ > kMaintainEvery))
      must_drop_expired_ = must_refresh_ = true;
    return request_fetch();
  }
  if (running_ == Query::none && now - heard_at_ >= kTick / 2) send(Query::heartbeat);
}

void Listener::on_ready() {
  heard_at_ = polled_at_ = loop_.now();
  tick_timer_.start(Milliseconds{kTick}, Milliseconds{kTick});
  send(Query::pin_settings);
}

void Listener::on_lost() {
  tick_timer_.stop();
  pause_timer_.stop();
  running_ = Query::none;
  in_pipeline_ = false;
  must_fetch_ = must_publish_ = must_drop_expired_ = must_refresh_ = must_expire_presence_ = caught_up_ = paused_ =
      false;
  page_.clear();
  failed_.reset();
}

void Listener::on_readable() {
  heard_at_ = loop_.now();
  handle_results();
  if (link_.ready()) read_doorbells();
}

void Listener::handle_results() {
  while (running_ != Query::none && !paused_ && PQisBusy(link_.connection()) == 0) {
    PGresult *result = PQgetResult(link_.connection());
    if (result != nullptr) {
      handle_result(Rows(result));
    } else if (running_ == Query::await) {
      wait_ended();
    } else if (!in_pipeline_) {
      finished();
    }
  }
}

// The wait has ended; the results of the fetch behind it follow.
void Listener::wait_ended() {
  running_ = Query::fetch;
  asked_at_ = loop_.now();
  if (PQsetSingleRowMode(link_.connection()) != 1) link_.fail("a fetch cannot be read row by row");
}

void Listener::pipeline_ended() {
  in_pipeline_ = false;
  if (PQexitPipelineMode(link_.connection()) != 1) return link_.fail(PQerrorMessage(link_.connection()));
  finished();
}

void Listener::resume_if_ready() {
  if (!receiver_.keeps_up()) {
    if (waiting_.spend(static_cast<std::uint32_t>(kCheckInterval.count()))) return;
    receiver_.give_up_waiting();
  }
  pause_timer_.stop();
  paused_ = false;
  link_.resume_reading();
  on_readable(); // libpq may have read more than was taken
}

void Listener::read_doorbells() {
  while (PGnotify *doorbell = PQnotifies(link_.connection())) {
    const std::string_view batch = doorbell->extra;
    if (batch.empty()) must_publish_ = true;
    // A batch that was fetched already needs no fetch. Any other payload causes one, even if it is not a number.
    if (batch.empty() || !last_ || to_number(batch) > last_->batch) must_fetch_ = true;
    PQfreemem(doorbell);
  }
  if (must_fetch_) request_fetch();
}

void Listener::handle_result(Rows rows) {
  switch (PQresultStatus(rows.get())) {
  case PGRES_SINGLE_TUPLE:
    // libpq reads the first query of a pipeline row by row too if the query before it was read so.
    if (running_ == Query::await) return handle_newest(rows);
    return handle_event(std::move(rows));
  case PGRES_PIPELINE_SYNC:
    return pipeline_ended();
  case PGRES_COMMAND_OK:
  case PGRES_EMPTY_QUERY:
    return;
  case PGRES_TUPLES_OK:
    if (running_ == Query::start && rows.count() == 1) handle_state(rows);
    if (running_ == Query::find_next && rows.count() == 1) skip(event_of(rows), failed_->message);
    if (running_ == Query::await && rows.count() == 1) handle_newest(rows);
    return;
  default:
    handle_error(error_of(rows));
  }
}

// Checks whether the database continues the history that clients know. A crash may have removed batches of signals,
// which is no loss. But after a recovery to an earlier time, or the promotion of a standby that was behind, delivered
// events may not exist, nor the batches of their positions. Then clients have to join again, and a resume from such a
// position is answered "lost".
void Listener::handle_state(const Rows &rows) {
  in_transaction_mode_ = !rows.is_true(0, 0);
  worker_runs_ = !in_transaction_mode_;
  const std::int64_t newest = rows.number(0, 1);
  const bool is_known = rows.is_true(0, 2);
  if (!last_ || !is_known) durable_batch_ = newest;
  if (last_ && !is_known) {
    log_.error("the database has another history: clients start over",
               {{"last_batch", last_->batch}, {"newest_batch", newest}});
    receiver_.start_over("the database was restored to an earlier state");
  }
  const bool begins = !last_;
  if (!last_ || !is_known) {
    last_ = Seen{newest, std::nullopt};
  } else if (newest < last_->batch) {
    // The clock, from which batch ids come, has stepped back: batches after the last durable one may be new.
    last_ = Seen{durable_batch_, std::nullopt};
  }
  if (begins) receiver_.begin();
}

// Whatever the newest batch is, it is fetched next.
void Listener::handle_newest(const Rows &rows) { worker_runs_ = !rows.is_null(0, 0); }

void Listener::handle_error(const DatabaseError &error) {
  if (running_ == Query::fetch && may_be_of_one_event(error)) {
    failed_ = error;
    return;
  }
  log_.warning("could not follow the events", {{"sqlstate", error.sqlstate}, {"error", error.message}});
  link_.fail("a query of the listener failed");
}

void Listener::handle_event(Rows rows) {
  ++page_events_;
  const LiveEvent event = event_of(rows);
  if (event.durable) durable_batch_ = event.position.batch;
  if (const std::string_view reason = reason_not_to_send(rows, event); !reason.empty()) return skip(event, reason);
  page_.add(std::move(rows), event);
  if (page_.bytes() >= kPartBytes) hand_over();
}

// One event that cannot be sent does not stop those behind it.
void Listener::skip(const LiveEvent &event, std::string_view reason) {
  hand_over();
  last_ = Seen{event.position.batch, event.position.id};
  ++skipped_;
  log_.error("skipped an event that cannot be sent", {{"position", format_position(event.position)},
                                                      {"topic", event.topic},
                                                      {"event", event.event},
                                                      {"reason", reason},
                                                      {"skipped", skipped_}});
}

void Listener::hand_over() {
  if (page_.events().empty()) return;
  const Position last = page_.events().back().position;
  last_ = Seen{last.batch, last.id};
  waiting_.earn(page_.bytes());
  receiver_.deliver(page_.events());
  page_.clear();
  if (receiver_.keeps_up()) return;
  paused_ = true;
  link_.stop_reading();
  pause_timer_.start(kCheckInterval, kCheckInterval);
}

void Listener::finished() {
  const Query query = std::exchange(running_, Query::none);
  switch (query) {
  case Query::none:
    return;
  case Query::pin_settings:
    return send(Query::listen);
  case Query::listen:
    return send(Query::start);
  case Query::start:
    return send(Query::prepare);
  case Query::prepare:
    must_publish_ = in_transaction_mode_;
    return request_fetch();
  case Query::publish:
    return send(Query::fetch);
  case Query::fetch:
    return page_ended();
  case Query::find_next:
    return request_fetch();
  case Query::drop_expired:
  case Query::refresh:
  case Query::expire_presence:
  case Query::await:
    return send_next();
  case Query::heartbeat:
    worker_runs_ = !in_transaction_mode_; // perhaps again
    return send_next();
  }
}

// A page that failed is asked for again event by event, from where it broke off, until the one is found that makes it
// fail; then pages grow again.
void Listener::page_ended() {
  hand_over();
  if (failed_) {
    if (page_size_ == 1 && page_events_ == 0) {
      // Memory may be short for a while only.
      if (failed_->sqlstate == "53200" && ++failures_ < kMaxFailures) return link_.fail("a fetch failed");
      return send(Query::find_next);
    }
    page_size_ = 1;
    must_fetch_ = true;
    return send_next();
  }
  failures_ = 0;
  if (page_events_ >= page_size_) {
    page_size_ = std::min(page_size_ * 2, settings_.page_events);
    must_fetch_ = true;
  } else {
    page_size_ = settings_.page_events;
    if (page_events_ > 0) last_->id.reset(); // a batch becomes visible whole: all of it was seen
  }
  send_next();
}

void Listener::request_fetch() {
  must_fetch_ = true;
  if (link_.ready() && running_ == Query::none) send_next();
}

void Listener::send_next() {
  if (!must_fetch_) {
    if (std::exchange(must_expire_presence_, false)) return send(Query::expire_presence);
    if (std::exchange(must_drop_expired_, false)) return send(Query::drop_expired);
    if (std::exchange(must_refresh_, false)) return send(Query::refresh);
    if (!std::exchange(caught_up_, true)) {
      log_.info("following the events", {{"in_transaction_mode", in_transaction_mode_}});
      receiver_.caught_up();
    }
    silences_ = 0;
    link_.reset_backoff();
    if (worker_runs_) send(Query::await);
    return;
  }
  must_fetch_ = false;
  send(std::exchange(must_publish_, false) ? Query::publish : Query::fetch);
}

} // namespace pg_live
