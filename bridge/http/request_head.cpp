// Parsing, see request_head.hpp. Section numbers are those of RFC 9112 (HTTP/1.1) unless they say otherwise. Where the
// RFC lets a server be lenient this one is not: two readers of one request must never disagree about where it ends.
#include "http/request_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/http_text.hpp"
#include "http/url_query.hpp"

namespace pg_live {

namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

Rejection bad_request(std::string_view message) { return {400, message}; }

// Where the head ends, after its empty line, or 0 when it is not complete. Looks at bytes from `scanned` on only.
std::variant<std::size_t, Rejection> find_end(std::string_view received, std::size_t scanned) {
  // A sequence of CR LF CR LF may have begun in what was scanned.
  for (std::size_t at = std::min(scanned, received.size()); at < received.size(); ++at) {
    if (at >= kMaxRequestHeadBytes) return Rejection{431, "request head is too large"};
    const char c = received[at];
    if (at == 0 && !(c >= 'A' && c <= 'Z')) return bad_request("not an HTTP request");
    if (c == '\0') return bad_request("NUL in the request head");
    const bool after_cr = at > 0 && received[at - 1] == '\r';
    if (after_cr != (c == '\n')) return bad_request("lines must end with CR LF"); // 2.2: a bare CR or LF
    if (c == '\n' && at >= 3 && received[at - 2] == '\n') return at + 1;
  }
  return std::size_t{0};
}

// Cuts the text up to the next CR LF off `rest`.
std::string_view cut_line(std::string_view &rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

// Whether every '%' is followed by two hexadecimal digits, and none by 00.
bool has_valid_escapes(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
    if (text[at + 1] == '0' && text[at + 2] == '0') return false;
  }
  return true;
}

// 3: method SP request-target SP HTTP-version, with a path as target: proxies' and CONNECT's forms are not for us.
std::optional<Rejection> parse_request_line(std::string_view line, RequestHead &head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad_request("malformed request line");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(head.method)) return bad_request("malformed request line");
  if (version == "HTTP/1.1")
    head.minor_version = 1;
  else if (version == "HTTP/1.0")
    head.minor_version = 0;
  else if (version.starts_with("HTTP/"))
    return Rejection{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  else
    return bad_request("malformed request line");
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end())
    return Rejection{501, "unknown request method"};
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7F' && c != '#'; };
  if (!head.target.starts_with('/') || !std::all_of(head.target.begin(), head.target.end(), is_visible))
    return bad_request("the request target must be a path");
  if (!has_valid_escapes(head.target)) return bad_request("malformed percent-encoding in the request target");
  const std::size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != std::string_view::npos) head.query = head.target.substr(question + 1);
  return std::nullopt;
}

// 5: field-name ":" OWS field-value OWS
std::optional<Rejection> parse_headers(std::string_view rest, RequestHead &head) {
  for (std::string_view line = cut_line(rest); !line.empty(); line = cut_line(rest)) {
    if (line.front() == ' ' || line.front() == '\t') return bad_request("folded header lines are not accepted"); // 5.2
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return bad_request("malformed header line"); // 5.1: no space before the colon either
    const std::string_view value = trim(line.substr(colon + 1));
    const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F'; };
    if (std::any_of(value.begin(), value.end(), is_control)) return bad_request("control character in a header");
    if (head.headers.size() == kMaxRequestHeaders) return Rejection{431, "too many header lines"};
    head.headers.push_back({line.substr(0, colon), value});
  }
  return std::nullopt;
}

std::size_t count(const RequestHead &head, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(head.headers.begin(), head.headers.end(), [name](const Header &header) {
    return equals_ignoring_case(header.name, name);
  }));
}

// Whether one of the comma-separated words of all headers of that name is `word`.
bool lists(const RequestHead &head, std::string_view name, std::string_view word) {
  bool found = false;
  for (const Header &header : head.headers)
    if (equals_ignoring_case(header.name, name))
      for_each_word(header.value, [&](std::string_view each) { found = found || equals_ignoring_case(each, word); });
  return found;
}

// 6: how long the body is. Anything that two readers could take in two ways is refused.
std::optional<Rejection> parse_body_length(RequestHead &head) {
  if (count(head, "transfer-encoding") > 0)
    return Rejection{411, "transfer encodings are not accepted, send the length"};
  const std::size_t lengths = count(head, "content-length");
  if (lengths == 0) return std::nullopt;
  const std::string_view length = *head.header("content-length");
  const char *end = length.data() + length.size();
  const bool is_digits =
      !length.empty() && std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
  const auto result = std::from_chars(length.data(), end, head.content_length);
  if (lengths > 1 || !is_digits || result.ec != std::errc() || result.ptr != end)
    return bad_request("malformed content length");
  if (head.content_length > 0 && head.method != "POST" && head.method != "PUT" && head.method != "PATCH")
    return bad_request("a request of this method has no body");
  return std::nullopt;
}

// RFC 6455 section 11.3.1: 16 bytes as base64.
bool is_websocket_key(std::string_view key) {
  const auto is_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, is_digit);
}

void parse_subprotocols(RequestHead &head) {
  for (const Header &header : head.headers)
    if (equals_ignoring_case(header.name, "sec-websocket-protocol"))
      for_each_word(header.value, [&head](std::string_view word) { head.subprotocols.push_back(word); });
}

// RFC 6455 section 4.2.1; `Upgrade` to anything else is ignored, as RFC 9110 section 7.8 allows.
std::optional<Rejection> parse_upgrade(RequestHead &head) {
  if (!lists(head, "upgrade", "websocket")) return std::nullopt;
  if (head.method != "GET") return Rejection{405, "a websocket is opened with GET"};
  if (head.minor_version == 0) return bad_request("a websocket needs HTTP/1.1");
  if (!lists(head, "connection", "upgrade")) return bad_request("an upgrade needs the header connection: upgrade");
  if (count(head, "sec-websocket-version") != 1 || *head.header("sec-websocket-version") != "13")
    return Rejection{426, "websocket version 13 is needed"};
  if (count(head, "sec-websocket-key") != 1 || !is_websocket_key(*head.header("sec-websocket-key")))
    return bad_request("malformed websocket key");
  head.upgrade = true;
  parse_subprotocols(head);
  return std::nullopt;
}

// 3.2: exactly one Host in HTTP/1.1; and one of each header that says who is asking.
std::optional<Rejection> check_single_headers(const RequestHead &head) {
  const std::size_t hosts = count(head, "host");
  if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) return bad_request("exactly one host header is needed");
  for (const std::string_view name : {"authorization", "apikey", "x-api-key", "origin", "content-type"})
    if (count(head, name) > 1) return bad_request("a header that must be single is repeated");
  return std::nullopt;
}

} // namespace

std::optional<std::string_view> RequestHead::header(std::string_view name) const {
  for (const Header &each : headers)
    if (equals_ignoring_case(each.name, name)) return each.value;
  return std::nullopt;
}

std::optional<std::string> RequestHead::query_argument(std::string_view name) const {
  return pg_live::query_argument(query, name);
}

std::variant<IncompleteHead, RequestHead, Rejection> parse_request_head(std::string_view received,
                                                                        std::size_t scanned) {
  const auto end = find_end(received, scanned);
  if (const auto *rejection = std::get_if<Rejection>(&end)) return *rejection;
  RequestHead head;
  head.bytes = std::get<std::size_t>(end);
  if (head.bytes == 0) return IncompleteHead();
  std::string_view rest = received.substr(0, head.bytes);
  const std::string_view request_line = cut_line(rest);
  if (const auto rejection = parse_request_line(request_line, head)) return *rejection;
  if (const auto rejection = parse_headers(rest, head)) return *rejection;
  if (const auto rejection = check_single_headers(head)) return *rejection;
  if (const auto rejection = parse_body_length(head)) return *rejection;
  if (const auto rejection = parse_upgrade(head)) return *rejection;
  return head;
}

std::string rewrite(const RequestHead &head, std::string_view subprotocol) {
  // libwebsockets 4.1.6 stalls on names that begin a name it knows ("X-Auth"), and drops connections whose list of
  // subprotocols or Connection header is longer than 127 bytes.
  constexpr std::array<std::string_view, 12> kKept{"host",
                                                   "origin",
                                                   "sec-websocket-key",
                                                   "sec-websocket-version",
                                                   "authorization",
                                                   "apikey",
                                                   "content-type",
                                                   "accept",
                                                   "access-control-request-method",
                                                   "access-control-request-headers",
                                                   "if-modified-since",
                                                   "if-none-match"};
  std::string out;
  const auto append = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.append(head.method).append(" ").append(head.target).append(head.minor_version == 1 ? " HTTP/1.1" : " HTTP/1.0");
  out += "\r\n";
  for (const Header &header : head.headers) {
    const auto is_this = [&header](std::string_view name) { return equals_ignoring_case(header.name, name); };
    if (std::any_of(kKept.begin(), kKept.end(), is_this)) append(header.name, header.value);
  }
  if (head.upgrade) append("Upgrade", "websocket");
  append("Connection", head.upgrade ? "Upgrade" : "close");
  if (head.upgrade && !subprotocol.empty()) append("Sec-WebSocket-Protocol", subprotocol);
  // 6.3: without a length there is no body, but libwebsockets would wait for one.
  if (head.method == "POST" || head.method == "PUT" || head.method == "PATCH")
    append("Content-Length", std::to_string(head.content_length));
  out += "\r\n";
  return out;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const std::string_view token = trim(authorization.substr(kScheme.size()));
  if (token.empty() || token.find_first_of(" \t,") != std::string_view::npos) return std::nullopt;
  return token;
}

std::optional<std::string_view> find_header(std::string_view received, std::string_view name) {
  received = received.substr(0, received.find("\r\n\r\n"));
  for (std::size_t end = received.find("\r\n"); end != std::string_view::npos; end = received.find("\r\n")) {
    received.remove_prefix(end + 2);
    const std::string_view line = received.substr(0, received.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), name)) continue;
    const std::string_view value = trim(line.substr(colon + 1));
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(value.begin(), value.end(), is_control)) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

} // namespace pg_live
