// Where a channel's past meets its live events: what arrives while a replay or a broadcast of the client's own is under
// way waits here. Invariants: events leave in the order they arrived; a durable event that was replayed is not sent
// again; an event the client itself sent is not sent back to it. What waits for a replay may be left to it: the replay
// reads it from the log. The channel needs a seam only until done().
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

  // A replay holds live events back until end_replay(); `through` is the position of the last event it sent.
  void begin_replay() { replaying_ = true; }
  // The replay asks the log for what follows: whatever was left to it so far comes with that or the next pages.
  void begin_page() { has_left_ = false; }
  // Whether the replay was left events that the pages it asked for may lack.
  bool has_left() const { return has_left_; }
  void end_replay(std::optional<Position> through, const Send &send);

  // A broadcast of the client that goes through the database. Its event comes back by the listener, perhaps before
  // end_own(), which tells its id (nothing when it failed): until then nobody can tell which event it is. They must end
  // in the order they began.
  void begin_own() { ++begun_; }
  void end_own(std::optional<std::int64_t> id, const Send &send);

  // A live event. It is sent, kept, or dropped.
  void take(Position position, bool durable, websocket::Frame frame, const Send &send);

  // During a replay, lets go of the durable events that wait and leaves them to it. Signals are in no log, and stay.
  void leave_to_replay();

  // Bytes that wait.
  std::size_t held_bytes() const { return held_bytes_; }

  // Nothing is held then, since what is held waits for a replay or for a broadcast.
  bool done() const { return !replaying_ && begun_ == ended_ && !through_ && own_.empty(); }

 private:
  struct Held {
    Position position;
    bool durable;
    websocket::Frame frame;
    std::uint64_t own_before; // broadcasts of the client that had begun when it arrived
  };

  // Whether the client has the event already, by a replay or as its own; what cannot come again is forgotten.
  bool recognize(Position position, bool durable);
  void release(const Send &send);

  bool replaying_ = false;
  bool has_left_ = false;
  std::optional<Position> through_;
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::deque<std::int64_t> own_; // ids of own events that have not come back
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
};

} // namespace pg_live
