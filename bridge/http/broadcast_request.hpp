// The broadcasts that a POST asks for: a list of messages in the body, or one whose topic and event stand in the path.
// Invariant: what is not understood is refused, never read as its opposite: a message that may be private is none that
// is sent to a public room.
#pragma once

#include "http/request_head.hpp"
#include "wire/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

struct OutgoingBroadcast {
  std::string topic; // without prefix
  std::string event;
  std::string payload; // JSON, or bytes
  Encoding encoding = Encoding::json;
  bool is_private = false;
  bool persists = false;
};

struct BadBroadcast {
  int status = 422;
  std::string_view message;
  std::string_view sqlstate = "22023";
};

inline constexpr std::size_t kMostBroadcasts = 100; // of one request

/// Whether the path (as sent) is one of a broadcast.
bool is_broadcast_path(std::string_view path);

/// The broadcasts of a request to such a path.
std::variant<std::vector<OutgoingBroadcast>, BadBroadcast> read_broadcasts(const RequestHead &head,
                                                                           std::string_view body);

} // namespace pg_live
