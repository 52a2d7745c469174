// WebSocket frames (RFC 6455) as ready bytes, built once and written raw to every receiver.
//
// Invariant: frames are unmasked, final and immutable; copies of a Frame share the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pg_live::websocket {

enum class Opcode : unsigned char { text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xA };

// The longest header a frame of ours has.
inline constexpr std::size_t kMaxFrameHeaderBytes = 10;

// The longest payload of a control frame (close, ping, pong).
inline constexpr std::size_t kMaxControlPayloadBytes = 125;

// Appends the header of a final, unmasked frame.
void append_frame_header(std::string &out, Opcode opcode, std::uint64_t payload_length);

// The bytes of a whole frame, header and payload. Cheap to copy; an empty Frame has no bytes.
class Frame {
 public:
  Frame() = default;
  Frame(Opcode opcode, std::string_view payload);

  // Takes bytes that already are one or more whole frames, such as several put together.
  static Frame from_bytes(std::string bytes);

  std::string_view bytes() const { return bytes_ ? std::string_view(*bytes_) : std::string_view(); }
  std::size_t size() const { return bytes().size(); }
  bool empty() const { return size() == 0; }

 private:
  std::shared_ptr<const std::string> bytes_;
};

// A close frame; `reason` is cut (between characters) to the 123 bytes there are.
Frame close_frame(std::uint16_t code, std::string_view reason);

// Whether a peer may send this code in a close frame (RFC 6455 section 7.4; 1012 to 1014 as registered since).
bool is_valid_close_code(std::uint16_t code);

} // namespace pg_live::websocket
