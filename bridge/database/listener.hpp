// The connection that follows the stream of events: LISTEN as a doorbell, live.fetch_events() for the events.
// Invariants: LISTEN is confirmed before the first position is read, so no batch falls between; one query runs at a
// time (a wait and the fetch behind it count as two) and doorbells that ring meanwhile are remembered as one; `last_`
// only moves past events that were handed over or cannot be. A doorbell is an untrusted hint that says "look", never
// what there is to see. The server is asked for a sign of life while nothing else is asked, so a connection that has
// fallen silent is given up within seconds.
#pragma once

#include "database/database_link.hpp"
#include "database/event_page.hpp"
#include "database/wait_budget.hpp"
#include "process/settings.hpp"
#include "wire/live_event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class Listener {
 public:
  // Events that were delivered before a lost connection are not delivered again after it, all later ones are. A
  // receiver that does not keep up is waited for, but not for long: a burst shall not cost those who read well their
  // connection, nor those who do not hold up the rest.
  Listener(Loop &loop, const Log &log, const DatabaseSettings &settings, EventReceiver &receiver);

  void start() { link_.start(); }

  // Whether events flow: everything up to a moment ago was fetched, and the server was heard since.
  bool ready() const;

  // Events that were skipped because they cannot be sent.
  std::uint64_t skipped() const { return skipped_; }

 private:
  enum class Query {
    none,
    pin_settings,
    listen,
    start,
    prepare,
    publish,
    fetch,
    find_next, // where the event stands that cannot be fetched
    drop_expired,
    refresh,
    expire_presence,
    heartbeat,
    await, // the next batch, of the worker; the fetch of it is sent along, and follows
  };

  void on_ready();
  void on_readable();
  void on_lost();
  void tick();
  void read_doorbells();
  void handle_results();
  void handle_result(Rows rows);
  void handle_event(Rows rows);
  void handle_state(const Rows &rows);
  void handle_newest(const Rows &rows);
  void handle_error(const DatabaseError &error);
  void wait_ended();
  void pipeline_ended();
  void skip(const LiveEvent &event, std::string_view reason);
  void finished();
  void page_ended();
  void send(Query query);
  bool send_fetch();
  bool send_await();
  bool send_page();
  bool send_find_next();
  void request_fetch();
  void send_next();
  void hand_over();
  void resume_if_ready();
  std::uint64_t patience() const;

  Loop &loop_;
  const Log &log_;
  const DatabaseSettings &settings_;
  EventReceiver &receiver_;
  DatabaseLink link_;
  LoopTimer tick_timer_;
  LoopTimer pause_timer_;

  Query running_ = Query::none;
  std::uint64_t asked_at_ = 0;                 // Loop::now(), as all times here
  std::uint64_t heard_at_ = 0;                 // when bytes last arrived
  std::uint64_t polled_at_ = 0;                // when it was last looked without a doorbell
  std::optional<std::uint64_t> maintained_at_; // nothing: not yet
  unsigned silences_ = 0;     // connections in a row that were closed because the server did not answer
  bool must_fetch_ = false;   // a doorbell rang, or may have
  bool must_publish_ = false; // no worker makes batches: in-transaction mode
  bool in_transaction_mode_ = false;
  bool worker_runs_ = false;       // as far as the last answer says
  bool in_pipeline_ = false;       // a fetch was sent along with what waits for it
  bool must_drop_expired_ = false; // without workers, the bridges drop old events, refresh stale summaries
  bool must_refresh_ = false;
  bool must_expire_presence_ = false; // and expire presence
  bool caught_up_ = false;
  bool paused_ = false; // the receivers have to catch up
  WaitBudget waiting_;

  struct Seen {
    std::int64_t batch = 0;
    std::optional<std::int64_t> id; // nothing: all of the batch
  };
  std::optional<Seen> last_;       // nothing until the first start; survives the connection
  std::int64_t durable_batch_ = 0; // the last one known that no crash takes away, or the newest at the first start
  EventPage page_;
  unsigned page_events_ = 0;            // of this fetch, handed over or not
  unsigned page_size_;                  // how many this fetch asks for
  std::optional<DatabaseError> failed_; // how this fetch ended
  unsigned failures_ = 0;               // in a row, of the event that comes next
  std::uint64_t skipped_ = 0;
};

} // namespace pg_live
