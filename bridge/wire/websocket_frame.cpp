// See websocket_frame.hpp; section numbers are those of RFC 6455.
#include "wire/websocket_frame.hpp"

#include <utility>

#include "text/utf8.hpp"

namespace pg_live::websocket {

namespace {

void append_big_endian(std::string &out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>((number >> shift) & 0xFFU);
}

} // namespace

void append_frame_header(std::string &out, Opcode opcode, std::uint64_t payload_length) {
  out += static_cast<char>(0x80U | static_cast<unsigned>(opcode)); // 5.2: FIN, no extension bits
  if (payload_length < 126) {
    out += static_cast<char>(payload_length);
  } else if (payload_length <= 0xFFFF) {
    out += static_cast<char>(126);
    append_big_endian(out, payload_length, 2);
  } else {
    out += static_cast<char>(127);
    append_big_endian(out, payload_length, 8);
  }
}

Frame::Frame(Opcode opcode, std::string_view payload) {
  std::string bytes;
  bytes.reserve(kMaxFrameHeaderBytes + payload.size());
  append_frame_header(bytes, opcode, payload.size());
  bytes += payload;
  bytes_ = std::make_shared<const std::string>(std::move(bytes));
}

Frame Frame::from_bytes(std::string bytes) {
  Frame frame;
  frame.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  return frame;
}

Frame close_frame(std::uint16_t code, std::string_view reason) {
  std::string payload;
  append_big_endian(payload, code, 2);
  while (!reason.empty()) { // 5.5.1: the reason is UTF-8, so it is cut between characters and at the first bad one
    const std::size_t length = utf8_sequence_length(reason);
    if (length == 0 || payload.size() + length > kMaxControlPayloadBytes) break;
    payload += reason.substr(0, length);
    reason.remove_prefix(length);
  }
  return Frame(Opcode::close, payload);
}

bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;                          // 7.4.2: libraries and applications
  if (code == 1004 || code == 1005 || code == 1006) return false; // 7.4.1: reserved, never sent
  return code >= 1000 && code <= 1014;
}

} // namespace pg_live::websocket
