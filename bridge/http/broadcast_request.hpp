// The broadcasts of a POST: a list of messages in the body, or one with its topic and event in the path.
// Invariant: a malformed flag is an error and never counts as false, so that no message meant to be private is sent to
// a public room.
#pragma once

#include "base/sqlstate.hpp"
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
  std::string_view sqlstate = sqlstate::kInvalidParameterValue;
};

inline constexpr std::size_t kMaxBroadcasts = 100; // of one request

// Whether broadcasts are sent to this path, percent-encoded as received.
bool is_broadcast_path(std::string_view path);

// The broadcasts of a request to such a path.
std::variant<std::vector<OutgoingBroadcast>, BadBroadcast> read_broadcasts(const RequestHead &head,
                                                                           std::string_view body);

} // namespace pg_live
