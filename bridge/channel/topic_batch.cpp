// Building the frames of events.
#include "channel/topic_batch.hpp"

namespace pg_live {

namespace {

void append_event(std::string &out, const LiveEvent &event, WireForm form, bool replayed) {
  // A signal has no place in the stream to resume from, so it carries no position.
  const std::string position = event.durable ? format_position(event.position) : std::string();
  std::string message;
  phoenix::append_broadcast(message, form.version, wire_topic(form, event.topic), event.event, event.payload,
                            {position, replayed});
  websocket::append_frame_header(out, websocket::Opcode::text, message.size());
  out.append(message);
}

} // namespace

const websocket::Frame &TopicBatch::frame(WireForm form) const {
  websocket::Frame &result = frames_[form.index()];
  if (result.empty()) {
    std::string bytes;
    for (const LiveEvent *event : events_)
      append_event(bytes, *event, form, false);
    result = websocket::Frame::from_bytes(std::move(bytes));
  }
  return result;
}

websocket::Frame event_frame(const LiveEvent &event, WireForm form, bool replayed) {
  std::string bytes;
  append_event(bytes, event, form, replayed);
  return websocket::Frame::from_bytes(std::move(bytes));
}

} // namespace pg_live
