// Reading both versions. Section numbers are those of the specification.
#include "http/proxy_preface.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

namespace pg_live {

namespace {

using Result = std::variant<ProxyPreface, IncompletePreface, MalformedPreface>;

constexpr std::string_view kTextBegin = "PROXY ";
constexpr std::size_t kMaxTextBytes = 107; // 2.1: with CR LF
constexpr std::string_view kBinaryBegin{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kBinaryHeadBytes = 16;

std::string_view cut_word(std::string_view &line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

bool is_port(std::string_view word) {
  return !word.empty() && word.size() <= 5 &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 2.1: PROXY TCP4|TCP6 source destination port port CR LF, or PROXY UNKNOWN and anything.
Result parse_text(std::string_view received) {
  const std::size_t end = received.substr(0, kMaxTextBytes).find("\r\n");
  if (end == std::string_view::npos) {
    if (received.size() < kMaxTextBytes) return IncompletePreface();
    return MalformedPreface();
  }
  std::string_view line = received.substr(0, end);
  line.remove_prefix(kTextBegin.size());
  ProxyPreface preface;
  preface.bytes = end + 2;
  const std::string_view family = cut_word(line);
  if (family == "UNKNOWN") return preface;
  const std::string_view source = cut_word(line);
  const std::string_view destination = cut_word(line);
  const std::string_view source_port = cut_word(line);
  preface.client = IpAddress::parse(source);
  const bool is_v4 = source.find(':') == std::string_view::npos;
  const bool is_known = (family == "TCP4" && is_v4) || (family == "TCP6" && !is_v4);
  if (!is_known || !preface.client || !IpAddress::parse(destination) || !is_port(source_port) || !is_port(line))
    return MalformedPreface();
  return preface;
}

std::optional<IpAddress> address_of(int family, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return IpAddress::parse(text.data());
}

// 2.2: a head of 16 bytes with the length of what follows: addresses, ports and extensions, which are skipped.
Result parse_binary(std::string_view received) {
  if (received.size() < kBinaryHeadBytes) return IncompletePreface();
  const auto byte = [received](std::size_t at) { return static_cast<unsigned char>(received[at]); };
  const std::size_t length = static_cast<std::size_t>(byte(14) << 8 | byte(15));
  const unsigned command = byte(12);
  const unsigned family = byte(13) >> 4;
  if (command >> 4 != 2 || (command & 0xFu) > 1 || kBinaryHeadBytes + length > kMaxPrefaceBytes)
    return MalformedPreface();
  if (received.size() < kBinaryHeadBytes + length) return IncompletePreface();
  ProxyPreface preface;
  preface.bytes = kBinaryHeadBytes + length;
  if ((command & 0xFu) == 0) return preface; // LOCAL: the proxy checks whether the server is there
  const std::string_view addresses = received.substr(kBinaryHeadBytes, length);
  const bool is_v4 = family == 1;
  if (!is_v4 && family != 2) return preface; // a Unix socket, or unspecified
  if (addresses.size() < (is_v4 ? 12u : 36u)) return MalformedPreface();
  preface.client = address_of(is_v4 ? AF_INET : AF_INET6, addresses);
  return preface;
}

} // namespace

std::variant<ProxyPreface, IncompletePreface, MalformedPreface> parse_proxy_preface(std::string_view received) {
  for (const auto &[begin, parse] : {std::pair{kTextBegin, &parse_text}, std::pair{kBinaryBegin, &parse_binary}}) {
    if (received.starts_with(begin)) return parse(received);
    if (begin.starts_with(received)) return IncompletePreface();
  }
  return MalformedPreface();
}

} // namespace pg_live
