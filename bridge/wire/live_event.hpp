// A committed event, and the interfaces through which the listener passes events on.
#pragma once

#include "wire/position.hpp"

#include <span>
#include <string_view>

namespace pg_live {

// The views live as long as the batch that is being delivered.
struct LiveEvent {
  Position position;
  std::string_view topic;
  std::string_view event;
  std::string_view payload; // JSON text
  bool durable = false;
};

class EventReceiver {
 public:
  virtual ~EventReceiver() = default;

  // The first position is known: events committed from now on are delivered.
  virtual void begin() = 0;

  // Events in order of position; the views end with the call.
  virtual void deliver(std::span<const LiveEvent> events) = 0;

  // Whether it is ready for more. If not, the next events wait a moment.
  virtual bool keeps_up() const = 0;

  // The events have waited long enough: clients that do not read must not delay the others any longer.
  virtual void give_up_waiting() = 0;

  // Delivered events may never have happened: the database is another one, or was restored to an earlier state.
  virtual void start_over(std::string_view reason) = 0;

  // The first time since the connection was lost that all events were delivered. Signals may be missing.
  virtual void caught_up() = 0;
};

// Looks at events as they pass.
class EventObserver {
 public:
  virtual ~EventObserver() = default;
  virtual bool is_watching() const = 0;
  virtual void passed(const LiveEvent &event) = 0; // after its delivery; only while it is watching
};

// Receives what the extension tells the bridges on topics that begin with $.
class InternalReceiver {
 public:
  virtual ~InternalReceiver() = default;
  virtual void handle_internal(const LiveEvent &event) = 0;
  virtual void stream_began() = 0;
  virtual void stream_caught_up() = 0;
};

} // namespace pg_live
