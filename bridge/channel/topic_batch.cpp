// Building the frames of events.
#include "channel/topic_batch.hpp"

namespace pg_live {

const websocket::Frame &TopicBatch::frame(WireForm form) const {
  websocket::Frame &result = frames_.of(form);
  if (result.empty()) {
    std::string bytes;
    for (const LiveEvent *event : events_)
      form.codec->append_event(bytes, form.naming, *event, Delivery::live);
    result = websocket::Frame::from_bytes(std::move(bytes));
  }
  return result;
}

websocket::Frame event_frame(const LiveEvent &event, WireForm form, Delivery delivery) {
  std::string bytes;
  form.codec->append_event(bytes, form.naming, event, delivery);
  return websocket::Frame::from_bytes(std::move(bytes));
}

} // namespace pg_live
