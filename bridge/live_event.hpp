// One committed event on its way from the listener to the hub.
#pragma once

#include "position.hpp"

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

} // namespace pg_live
