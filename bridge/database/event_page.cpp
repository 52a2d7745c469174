// Taking rows, and telling which of them no client could be sent.
#include "database/event_page.hpp"

#include "text/utf8.hpp"

namespace pg_live {

namespace {

// Far above what the database accepts by default, and small enough that a frame for each wire form fits the memory.
constexpr std::size_t kMaxEventBytes = 256 << 20;

} // namespace

LiveEvent event_of(const Rows &row) {
  LiveEvent event;
  event.position = {row.number(0, 0), row.number(0, 1)};
  event.topic = row.text(0, 2);
  event.event = row.text(0, 3);
  if (row.columns() < 6) return event;
  event.payload = row.text(0, 4);
  event.durable = row.is_true(0, 5);
  return event;
}

std::string_view reason_not_to_send(const Rows &row, const LiveEvent &event) {
  if (row.is_null(0, 2) || row.is_null(0, 3)) return "it has no name";
  if (row.is_null(0, 4)) return "the database cannot render it";
  if (event.payload.size() > kMaxEventBytes) return "it is too long";
  // A database without an encoding hands out the bytes it was given.
  if (!is_utf8(event.topic) || !is_utf8(event.event) || !is_utf8(event.payload)) return "it is not UTF-8";
  return {};
}

void EventPage::add(Rows row, const LiveEvent &event) {
  bytes_ += event.payload.size();
  events_.push_back(event);
  rows_.push_back(std::move(row));
}

void EventPage::clear() {
  events_.clear();
  rows_.clear();
  bytes_ = 0;
}

} // namespace pg_live
