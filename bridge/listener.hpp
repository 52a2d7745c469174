// The one connection that follows the stream of events: LISTEN as a doorbell, fetch_events() for what happened.
// Invariants: LISTEN is confirmed before the first position is read, so no batch falls between; one query runs at a
// time and doorbells that ring meanwhile are remembered as one; `last_` only moves past events that were handed over. A
// doorbell is an untrusted hint that says "look", never what there is to see.
#pragma once

#include "database_link.hpp"
#include "live_event.hpp"
#include "settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pg_live {

class Listener {
 public:
  // Events that were delivered before a lost connection are not delivered again after it, all later ones are. A
  // receiver that does not keep up is waited for, but not for long: a burst shall not cost those who read well their
  // connection, nor one who does not hold up the rest.
  Listener(Loop &loop, const Log &log, const DatabaseSettings &settings, EventReceiver &receiver);

  void start() { link_.start(); }

  // Whether events flow: listening, and everything up to a moment ago was fetched.
  bool ready() const { return caught_up_; }

 private:
  enum class Query { none, listen, start, prepare, publish, fetch, maintain, expire_presence };

  void on_ready();
  void on_readable();
  void on_lost();
  void read_doorbells();
  void take_result(Rows rows);
  void take_event(Rows rows);
  void skip(const LiveEvent &event);
  void finished();
  void send(Query query);
  void send_fetch();
  void poll();
  void look();
  void next();
  void hand_over();
  void take_results();
  void look_whether_to_go_on();

  Loop &loop_;
  const Log &log_;
  const DatabaseSettings &settings_;
  EventReceiver &receiver_;
  DatabaseLink link_;
  LoopTimer poll_timer_;
  LoopTimer pause_timer_;

  Query running_ = Query::none;
  std::uint64_t asked_at_ = 0; // Loop::now()
  bool must_look_ = false;     // a doorbell rang, or may have
  bool must_publish_ = false;  // nobody else makes batches: in-transaction mode
  bool in_transaction_mode_ = false;
  bool must_maintain_ = false;        // without workers, old events and stale summaries are the bridges' to see to
  bool must_expire_presence_ = false; // and so is announcing who has gone
  std::uint64_t maintained_at_ = 0;   // Loop::now() of the last time
  bool caught_up_ = false;
  bool paused_ = false; // the receivers have to catch up
  unsigned looks_ = 0;  // of this pause

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
