// One committed event on its way from the listener to the hub.
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

  // The first position is known: what is committed from now on is delivered.
  virtual void begin() = 0;

  // Events in order of position; the views end with the call.
  virtual void deliver(std::span<const LiveEvent> events) = 0;

  // Whether it could take more now. If not, the next events wait a moment.
  virtual bool keeps_up() const = 0;

  // They have waited long enough: those who do not read hold up nobody.
  virtual void give_up_waiting() = 0;

  // What was delivered may never have happened: the database is another one, or an earlier state of it.
  virtual void start_over(std::string_view reason) = 0;

  // All there is was delivered, for the first time since the connection was lost: signals may be missing.
  virtual void caught_up() = 0;
};

// What the extension tells the bridges on topics that begin with $.
class InternalReceiver {
 public:
  virtual ~InternalReceiver() = default;
  virtual void take_internal(const LiveEvent &event) = 0;
  virtual void stream_began() = 0;
  virtual void stream_caught_up() = 0;
};

} // namespace pg_live
