// Frames that wait for a slow connection to become writable.
//
// Invariant: frames leave whole and in the order they came, and the queue never exceeds its limits: the owner closes a
// connection whose queue is full. An empty queue uses no heap memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wire/websocket_frame.hpp"

namespace pg_live {

class SendQueue {
 public:
  struct Limits {
    std::size_t max_bytes = 1024 * 1024;
    std::uint32_t max_frames = 1000;
  };

  explicit SendQueue(Limits limits) : max_bytes_(limits.max_bytes), max_frames_(limits.max_frames) {}

  // Adds a frame at the end; false, and nothing added, when a limit would be passed. One frame fits an empty queue
  // whatever its size.
  [[nodiscard]] bool push(websocket::Frame frame);

  bool empty() const { return frames() == 0; }
  std::size_t frames() const { return frames_.size() - first_; }
  std::size_t bytes() const { return bytes_; }

  // Removes and returns the first frame; an empty one when there is none.
  websocket::Frame pop();

  // Removes frames from the front, as many as fit `max_bytes` together but at least one, and returns them for a single
  // write: one frame shared, several as one copy.
  websocket::Frame pop_some(std::size_t max_bytes);

  void clear();

 private:
  std::vector<websocket::Frame> frames_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint32_t max_frames_;
  std::uint32_t first_ = 0; // frames before it are gone
};

} // namespace pg_live
