// The forms in which one event can leave: serializer, and whether the client joined "realtime:T" or "T". Frames are
// built once for each form that somebody uses, and shared.
#pragma once

#include "wire/phoenix/phoenix.hpp"
#include "wire/websocket_frame.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace pg_live {

struct WireForm {
  phoenix::Version version = phoenix::Version::v1;
  bool prefixed = false;

  std::size_t index() const { return (version == phoenix::Version::v2 ? 2u : 0u) + (prefixed ? 1u : 0u); }
};

// One frame a form, each made when it is first asked for.
using FrameForms = std::array<websocket::Frame, 4>;

// The topic as clients of that form know it.
inline std::string wire_topic(WireForm form, std::string_view topic) {
  return form.prefixed ? std::string(phoenix::kTopicPrefix).append(topic) : std::string(topic);
}

} // namespace pg_live
