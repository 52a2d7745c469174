// See send_queue.hpp. A vector with a moving first index: cheaper than a deque, whose first node alone is 512 bytes.
#include "wire/send_queue.hpp"

#include <utility>

namespace pg_live {

using websocket::Frame;

bool SendQueue::push(Frame frame) {
  if (!empty() && (frames() >= max_frames_ || bytes_ + frame.size() > max_bytes_)) return false;
  if (first_ > 0 && first_ >= frames_.size() / 2) { // what is gone is half: moving the rest is paid for by the pops
    frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  bytes_ += frame.size();
  frames_.push_back(std::move(frame));
  return true;
}

Frame SendQueue::pop() {
  if (empty()) return {};
  Frame frame = std::move(frames_[first_++]);
  bytes_ -= frame.size();
  if (empty()) clear();
  return frame;
}

Frame SendQueue::pop_some(std::size_t max_bytes) {
  std::size_t last = first_;
  std::size_t size = 0;
  while (last < frames_.size() && (last == first_ || size + frames_[last].size() <= max_bytes))
    size += frames_[last++].size();
  if (last - first_ <= 1) return pop();
  std::string together;
  together.reserve(size);
  for (std::size_t left = last - first_; left > 0; --left)
    together += pop().bytes();
  return Frame::from_bytes(std::move(together));
}

void SendQueue::clear() {
  std::vector<Frame>().swap(frames_);
  first_ = 0;
  bytes_ = 0;
}

} // namespace pg_live
