// Defers, drops and releases live events.
#include "channel/seam.hpp"

#include <algorithm>

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

void Seam::handle(Position position, bool durable, websocket::Frame frame, const Send &send) {
  deferred_bytes_ += frame.size();
  deferred_.push_back({position, durable, std::move(frame), begun_});
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

bool Seam::recognize(Position position, bool durable) {
  if (durable && through_) {
    if (position <= *through_) return true;
    through_.reset(); // positions only grow: the replayed past lies behind
  }
  const auto own = std::find(own_.begin(), own_.end(), position.id);
  if (own == own_.end()) return false;
  own_.erase(own);
  return true;
}

void Seam::release(const Send &send) {
  while (!replaying_ && !deferred_.empty() && deferred_.front().own_before <= ended_) {
    Deferred next = std::move(deferred_.front());
    deferred_.pop_front();
    deferred_bytes_ -= next.frame.size();
    if (!recognize(next.position, next.durable)) send(next.frame);
  }
}

} // namespace pg_live
