// Cuts what a WebSocket server sends into frames (RFC 6455), as far as a load client needs it: no fragments, since the
// bridge sends none, and no mask, since servers use none. Frames that are whole are handed on without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pg_live::bench {

class FrameReader {
 public:
  // Calls on_frame(opcode, payload) for each frame that is complete now; keeps the rest for the next call. The payload
  // is valid during the call only.
  template <typename OnFrame>
  void read(std::string_view bytes, OnFrame on_frame) {
    if (!rest_.empty()) {
      rest_.append(bytes);
      bytes = rest_;
    }
    while (cut_frame(bytes, on_frame)) {
    }
    rest_ = std::string(bytes);
  }

 private:
  template <typename OnFrame>
  static bool cut_frame(std::string_view &bytes, OnFrame &on_frame) {
    if (bytes.size() < 2) return false;
    const auto byte = [bytes](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
    std::uint64_t length = byte(1);
    std::size_t header = 2;
    if (length >= 126) {
      header += length == 126 ? 2 : 8;
      if (bytes.size() < header) return false;
      length = 0;
      for (std::size_t index = 2; index < header; ++index)
        length = length << 8 | byte(index);
    }
    if (bytes.size() - header < length) return false;
    on_frame(static_cast<unsigned>(byte(0) & 0x0f), bytes.substr(header, length));
    bytes.remove_prefix(header + length);
    return true;
  }

  std::string rest_;
};

} // namespace pg_live::bench
