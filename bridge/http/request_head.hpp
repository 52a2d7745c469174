// The head of an HTTP request, read by our own acceptor before libwebsockets sees the connection: refuses what
// libwebsockets lets pass (request smuggling, upgrades by POST, WebSocket versions) and rewrites what it chokes on
// (long subprotocol lists, header names that are a prefix of a known one).
//
// Invariant: a RequestHead holds views into the buffer it was parsed from and must not outlive it. Nothing is answered
// here: a Rejection says what to answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pg_live {

// The longest head accepted, with the empty line that ends it; more is answered with 431.
inline constexpr std::size_t kMaxRequestHeadBytes = 16 * 1024;
inline constexpr std::size_t kMaxRequestHeaders = 100;

struct Header {
  std::string_view name;  // as sent
  std::string_view value; // without white space around it
};

struct RequestHead {
  std::string_view method; // one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
  std::string_view target; // as sent: path and query
  std::string_view path;   // as sent, percent-encoded; begins with '/'
  std::string_view query;  // after the '?', percent-encoded; empty when there is none
  int minor_version = 1;   // of HTTP/1.x
  std::vector<Header> headers;
  std::size_t bytes = 0;                      // length of the head with its empty line: the body begins there
  std::uint64_t content_length = 0;           // 0 when the header is absent: the request has no body
  bool upgrade = false;                       // a valid upgrade to WebSocket
  std::vector<std::string_view> subprotocols; // offered with an upgrade, in their order

  // Value of the first header of that name (case does not matter); nothing when absent.
  std::optional<std::string_view> header(std::string_view name) const;

  // First query argument of that name, percent-decoded and with '+' read as a space; nothing when absent, or when the
  // decoded text is not UTF-8 or holds a NUL.
  std::optional<std::string> query_argument(std::string_view name) const;
};

// The head is not complete: read more and call again.
struct IncompleteHead {};

// The answer to send before closing: an HTTP status, and a message in lower case for a body {"error": "<message>"}.
// An answer with status 426 must carry the header `Sec-WebSocket-Version: 13`.
struct Rejection {
  int status = 400;
  std::string_view message;
};

// Parses the head that `received` begins with. `scanned` is how much of `received` an earlier call found incomplete,
// so that a client who sends byte by byte costs no more than one that does not.
std::variant<IncompleteHead, RequestHead, Rejection> parse_request_head(std::string_view received,
                                                                        std::size_t scanned = 0);

// Value of the first line `name: value` of a head that could not be parsed, or not yet; nothing when it has none, or
// when the value holds a control character.
std::optional<std::string_view> find_header(std::string_view received, std::string_view name);

// The head to hand to libwebsockets in its place: the same request line, only headers the bridge uses, the list of
// subprotocols reduced to the selected one (dropped if that is empty), no extensions, `Connection: Upgrade` or else
// `Connection: close`, since later requests on the same connection would not pass through here. At most content_length
// bytes of what followed the head may be handed over after it.
std::string rewrite(const RequestHead &head, std::string_view subprotocol);

// The token of an Authorization header: what follows "Bearer " (case does not matter); nothing for other schemes.
std::optional<std::string_view> bearer_token(std::string_view authorization);

} // namespace pg_live
