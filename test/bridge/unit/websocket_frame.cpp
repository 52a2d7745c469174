// Frame headers byte by byte, at the borders of the three length forms.
#include "wire/websocket_frame.hpp"

#include <gtest/gtest.h>

namespace pg_live::websocket {
namespace {

using namespace std::string_literals;

std::string header(Opcode opcode, std::uint64_t length) {
  std::string out;
  append_frame_header(out, opcode, length);
  return out;
}

TEST(WebSocketFrame, UsesTheShortestLengthForm) {
  EXPECT_EQ(header(Opcode::text, 0), "\x81\x00"s);
  EXPECT_EQ(header(Opcode::text, 125), "\x81\x7D"s);
  EXPECT_EQ(header(Opcode::text, 126), "\x81\x7E\x00\x7E"s);
  EXPECT_EQ(header(Opcode::binary, 65535), "\x82\x7E\xFF\xFF"s);
  EXPECT_EQ(header(Opcode::binary, 65536), "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(header(Opcode::binary, 0x0123456789ABCDEF), "\x82\x7F\x01\x23\x45\x67\x89\xAB\xCD\xEF"s);
}

TEST(WebSocketFrame, AppendsBehindWhatIsThere) {
  std::string out = "x";
  append_frame_header(out, Opcode::ping, 0);
  EXPECT_EQ(out, "x\x89\x00"s);
}

TEST(WebSocketFrame, CopiesShareTheirBytes) {
  const Frame frame(Opcode::text, "hello");
  const Frame copy = frame; // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
  EXPECT_EQ(frame.bytes(), "\x81\x05hello");
  EXPECT_EQ(copy.bytes().data(), frame.bytes().data());
}

TEST(WebSocketFrame, AnEmptyFrameHasNoBytes) {
  EXPECT_TRUE(Frame().empty());
  EXPECT_FALSE(Frame(Opcode::ping, "").empty());
}

TEST(WebSocketFrame, ACloseFrameHasCodeAndReason) {
  EXPECT_EQ(close_frame(1013, "try again later").bytes(), "\x88\x11\x03\xF5try again later");
  EXPECT_EQ(close_frame(1001, "").bytes(), "\x88\x02\x03\xE9");
}

TEST(WebSocketFrame, ALongReasonIsCutBetweenCharacters) {
  std::string reason(122, 'a');
  reason += "é"; // two bytes: 124 in all
  EXPECT_EQ(close_frame(1008, reason).bytes(), "\x88\x7C\x03\xF0" + std::string(122, 'a'));
  EXPECT_EQ(close_frame(1008, std::string(500, 'b')).size(), 2U + 125U);
}

TEST(WebSocketFrame, AReasonIsCutWhereItIsNotUtf8) {
  EXPECT_EQ(close_frame(1008, "ok\xFFno").bytes(), "\x88\x04\x03\xF0ok");
}

TEST(WebSocketFrame, KnowsWhichCloseCodesMayBeSent) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999})
    EXPECT_TRUE(is_valid_close_code(static_cast<std::uint16_t>(code))) << code;
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535})
    EXPECT_FALSE(is_valid_close_code(static_cast<std::uint16_t>(code))) << code;
}

} // namespace
} // namespace pg_live::websocket
