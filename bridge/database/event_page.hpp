// The rows of live.fetch_events() that have arrived and were not delivered yet, one row a result.
#pragma once

#include "database/database_link.hpp"
#include "wire/live_event.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace pg_live {

class EventPage {
 public:
  void add(Rows row, const LiveEvent &event);
  std::span<const LiveEvent> events() const { return events_; }
  std::size_t bytes() const { return bytes_; }
  void clear();

 private:
  std::vector<Rows> rows_;
  std::vector<LiveEvent> events_; // views into rows_
  std::size_t bytes_ = 0;
};

// The event of a row, with views into it. Columns: batch, id, topic, event and, if there are six, payload and durable.
LiveEvent event_of(const Rows &row);

// Why the event of a row with six columns cannot be sent to any client; empty if it can.
std::string_view reason_not_to_send(const Rows &row, const LiveEvent &event);

} // namespace pg_live
