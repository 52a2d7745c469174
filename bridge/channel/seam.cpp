// Defers, drops and releases live events.
#include "channel/seam.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

// Own broadcasts are mostly signals, which may be lost. This many of their ids are kept until their events come back.
constexpr std::size_t kRememberedIds = 64;

} // namespace

void Seam::end_replay(const Received &received, std::optional<Position> delivered, const Send &send) {
  replaying_ = false;
  received_ = received;
  release(send);
  // Nothing of it can come any more, as is most often so.
  if (deferred_.empty() && delivered && std::max(received.before, received.replayed) <= delivered) received_ = {};
}

void Seam::end_own(std::optional<std::int64_t> id, const Send &send) {
  ++ended_;
  if (id) own_.push_back(*id);
  if (own_.size() > kRememberedIds) own_.pop_front();
  release(send);
}

void Seam::handle(const LiveEvent &event, websocket::Frame frame, const Send &send) {
  deferred_bytes_ += frame.size();
  deferred_.push_back({event.position, event.durable, std::move(frame), begun_});
  release(send);
}

void Seam::leave_to_replay() {
  if (!replaying_) return;
  const auto left = std::erase_if(deferred_, [this](const Deferred &each) {
    if (each.durable) deferred_bytes_ -= each.frame.size();
    return each.durable;
  });
  has_left_ = has_left_ || left > 0;
}

bool Seam::was_received(const Deferred &event) const {
  const auto &through = event.durable ? std::max(received_.before, received_.replayed) : received_.before;
  return through && event.position <= *through;
}

// Positions only grow: no later event was received before, and no later durable one was replayed.
void Seam::note_passed(const Deferred &event) {
  received_.before.reset();
  if (event.durable) received_.replayed.reset();
}

// Drops the events that the client has already, from a replay or as its own.
void Seam::release(const Send &send) {
  while (!replaying_ && !deferred_.empty() && deferred_.front().own_before <= ended_) {
    Deferred next = std::move(deferred_.front());
    deferred_.pop_front();
    deferred_bytes_ -= next.frame.size();
    if (was_received(next)) continue;
    note_passed(next);
    if (std::erase(own_, next.position.id) == 0) send(next.frame);
  }
}

} // namespace pg_live
