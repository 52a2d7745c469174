// Fetches page by page. A position advances only over rows that arrived, so a lost connection repeats nothing.
#include "listener.hpp"

#include <charconv>
#include <string>

namespace pg_live::storm {

using namespace std::chrono_literals;

namespace {

constexpr int page = 1000;

int topic_number(std::string_view topic) {
  const std::string_view digits = topic.substr(topic.find(':') + 1);
  int number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

} // namespace

Listener::Listener(const Options &options, Progress &progress)
    : options_(options), progress_(progress), connection_(options.address, "storm listener"),
      backend_pid_(connection_.backend_pid()) {
  last_batch_ = connection_.run("select live_private.newest_batch()").number(0, 0);
}

void Listener::run() {
  while (!got_last_event_ && !progress_.stopped()) {
    try {
      listen();
      follow();
    } catch (const ConnectionLost &) {
      connection_ = Connection(options_.address, "storm listener");
      backend_pid_ = connection_.backend_pid();
      ++connections_;
    }
  }
}

// What was committed before the doorbell was heard is fetched at once, so nothing is missed in between.
void Listener::listen() {
  connection_.run("listen pg_live");
  fetch();
}

void Listener::follow() {
  while (!got_last_event_ && !progress_.stopped())
    if (connection_.wait_for_notification(100ms)) fetch();
}

void Listener::fetch() {
  if (options_.publish) connection_.run("select live.publish()");
  for (int rows = page; rows == page;) {
    const std::string id = std::to_string(last_id_);
    const Result events =
        connection_.run("select batch, id, topic, durable, coalesce((payload->>'writer')::int, 0),"
                        " coalesce((payload->>'transaction')::int, 0), coalesce((payload->>'number')::int, 0)"
                        " from live.fetch_events($1, nullif($2::bigint, 0), $3)",
                        {std::to_string(last_batch_), id, std::to_string(page)});
    rows = events.rows();
    for (int row = 0; row < rows; ++row) {
      last_batch_ = events.number(row, 0);
      last_id_ = events.number(row, 1);
      if (events.text(row, 2) == last_topic) {
        got_last_event_ = true;
        continue;
      }
      if (events.number(row, 6) == 0) continue; // of the last transaction
      delivered_.push_back({last_batch_,
                            last_id_,
                            topic_number(events.text(row, 2)),
                            events.text(row, 3) == "t",
                            {static_cast<int>(events.number(row, 4)), static_cast<int>(events.number(row, 5)),
                             static_cast<int>(events.number(row, 6))}});
    }
  }
}

} // namespace pg_live::storm
