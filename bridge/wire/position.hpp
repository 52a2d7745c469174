// Where an event stands in the stream: "<batch>-<event id>", ordered by number. Opaque to clients.
//
// Invariant: one position has one text (no signs, no leading zeros), so equal texts are equal positions.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

struct Position {
  std::int64_t batch = 0;
  std::int64_t id = 0;
  auto operator<=>(const Position &) const = default;
};

// The position, or nothing when `text` is not exactly what format_position() writes. Neither number is negative.
std::optional<Position> parse_position(std::string_view text);

std::string format_position(Position position);

// Whether `text`, if it is a position, is that of a state.
inline bool is_position_of_state(std::string_view text) { return text.find('@') != text.npos; }

// Whether `text` could be a position of an event or of a state (live.position()). Only the database can parse the
// latter.
bool may_be_position(std::string_view text);

} // namespace pg_live
