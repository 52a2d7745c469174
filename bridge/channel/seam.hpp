// Joins a channel's replay to its live events, and drops events of the client's own: defers live events while a replay
// or a broadcast of the client is under way. Invariants: events leave in the order they arrived; a durable event that
// was replayed is not sent again; an event that the client sent is not sent back to it. Events deferred for a replay
// may be left to it, since it reads them from the log. The channel needs a seam only until done().
#pragma once

#include "wire/live_event.hpp"
#include "wire/websocket_frame.hpp"

#include <deque>
#include <functional>
#include <optional>

namespace pg_live {

class Seam {
 public:
  using Send = std::function<void(const websocket::Frame &)>;

  // What a client has received.
  struct Received {
    std::optional<Position> before;   // the replay: all events up to here
    std::optional<Position> replayed; // the durable events up to here
  };

  // A replay defers live events until end_replay(). `delivered`: the last event of the stream so far.
  void begin_replay() { replaying_ = true; }
  // The replay reads its next page: events left to it so far come with this page or a later one.
  void begin_page() { has_left_ = false; }
  // Whether events were left to the replay that the pages it has asked for may lack.
  bool has_left() const { return has_left_; }
  void end_replay(const Received &received, std::optional<Position> delivered, const Send &send);

  // Begins and ends a broadcast of the client through the database. Its event comes back with the stream, perhaps
  // before end_own(), which gives its id (nothing if it failed); until then the event cannot be recognized. Broadcasts
  // must end in the order they began.
  void begin_own() { ++begun_; }
  void end_own(std::optional<std::int64_t> id, const Send &send);

  // Sends, defers or drops a live event.
  void handle(const LiveEvent &event, websocket::Frame frame, const Send &send);

  // During a replay, drops the deferred durable events, which the replay will read. Signals are in no log, and stay.
  void leave_to_replay();

  // Bytes of deferred frames.
  std::size_t deferred_bytes() const { return deferred_bytes_; }

  // Nothing is deferred then, since events are deferred only for a replay or a broadcast.
  bool done() const { return !replaying_ && begun_ == ended_ && !awaits_received() && own_.empty(); }

 private:
  struct Deferred {
    Position position;
    bool durable;
    websocket::Frame frame;
    std::uint64_t own_before; // broadcasts of the client that had begun when it arrived
  };

  bool awaits_received() const { return received_.before || received_.replayed; }
  bool was_received(const Deferred &event) const;
  void note_passed(const Deferred &event);
  void release(const Send &send);

  bool replaying_ = false;
  bool has_left_ = false;
  Received received_; // as far as the stream may still bring it
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::deque<std::int64_t> own_; // ids of own events that have not come back
  std::deque<Deferred> deferred_;
  std::size_t deferred_bytes_ = 0;
};

} // namespace pg_live
