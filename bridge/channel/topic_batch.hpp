// The events of one topic in one batch, and their frames, which are built once for each wire form, on first use, and
// shared by all receivers.
#pragma once

#include "wire/codec.hpp"
#include "wire/live_event.hpp"

#include <vector>

namespace pg_live {

class TopicBatch {
 public:
  void add(const LiveEvent &event) { events_.push_back(&event); }
  const std::vector<const LiveEvent *> &events() const { return events_; }
  std::string_view topic() const { return events_.front()->topic; }

  // All events as frames one behind the other, for a single write.
  const websocket::Frame &frame(WireForm form) const;

 private:
  std::vector<const LiveEvent *> events_;
  mutable SharedFrames frames_;
};

// One event as a frame.
websocket::Frame event_frame(const LiveEvent &event, WireForm form, Delivery delivery = Delivery::live);

} // namespace pg_live
