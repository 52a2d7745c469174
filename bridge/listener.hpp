// The one connection that follows the stream of events: LISTEN as a doorbell, fetch_events() for what happened.
// Invariants: LISTEN is confirmed before the first position is read, so no batch falls between; one query runs at a
// time and doorbells that ring meanwhile are remembered as one; `last_` only moves past events that were handed over. A
// doorbell is an untrusted hint that says "look", never what there is to see.
#pragma once

#include "database_link.hpp"
#include "live_event.hpp"
#include "settings.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pg_live {

class Listener {
 public:
  // `deliver` gets events in order of position; the views end with the call. Events that were delivered before a lost
  // connection are not delivered again after it, all later ones are.
  Listener(Loop &loop, const Log &log, const DatabaseSettings &settings,
           std::function<void(std::span<const LiveEvent>)> deliver);

  void start() { link_.start(); }

  // Whether events flow: listening, and everything up to a moment ago was fetched.
  bool ready() const { return caught_up_; }

 private:
  enum class Query { none, listen, start, prepare, publish, fetch };

  void on_ready();
  void on_readable();
  void on_lost();
  void read_doorbells();
  void take_result(Rows rows);
  void take_event(Rows rows);
  void finished();
  void send(Query query);
  void send_fetch();
  void poll();
  void look();
  void next();
  void hand_over();

  Loop &loop_;
  const Log &log_;
  const DatabaseSettings &settings_;
  std::function<void(std::span<const LiveEvent>)> deliver_;
  DatabaseLink link_;
  LoopTimer poll_timer_;

  Query running_ = Query::none;
  std::uint64_t asked_at_ = 0; // Loop::now()
  bool must_look_ = false;     // a doorbell rang, or may have
  bool must_publish_ = false;  // nobody else makes batches: in-transaction mode
  bool in_transaction_mode_ = false;
  bool caught_up_ = false;

  struct Seen {
    std::int64_t batch = 0;
    std::optional<std::int64_t> id; // nothing: all of the batch
  };
  std::optional<Seen> last_;    // nothing until the first start; survives the connection
  std::vector<Rows> rows_;      // of the page that is arriving
  std::vector<LiveEvent> page_; // views into rows_
  std::size_t page_bytes_ = 0;
  unsigned page_events_ = 0; // of this fetch, handed over or not
};

} // namespace pg_live
