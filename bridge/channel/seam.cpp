// Defers, drops and releases live events.
#include "channel/seam.hpp"

#include <utility>

namespace pg_live {

namespace {

// Own broadcasts are mostly signals, which may be lost. This many of their ids are kept until their events come back.
constexpr std::size_t kRememberedIds = 64;

} // namespace

void Seam::end_replay(std::optional<Position> through, const Send &send) {
  replaying_ = false;
  through_ = through;
  release(send);
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

// Drops the events that the client has already, from a replay or as its own.
void Seam::release(const Send &send) {
  while (!replaying_ && !deferred_.empty() && deferred_.front().own_before <= ended_) {
    Deferred next = std::move(deferred_.front());
    deferred_.pop_front();
    deferred_bytes_ -= next.frame.size();
    if (was_replayed(next)) continue;
    if (next.durable) through_.reset(); // positions only grow: no later event was replayed
    if (std::erase(own_, next.position.id) == 0) send(next.frame);
  }
}

} // namespace pg_live
