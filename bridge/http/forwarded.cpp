// Reading both headers from their end.
#include "http/forwarded.hpp"

#include "base/http_text.hpp"

#include <algorithm>
#include <vector>

namespace pg_live {

namespace {

// Cuts what stands before the next separator off `rest`, and the separator; one between quotes is none. RFC 9110
// section 5.6.4.
std::string_view cut_before(std::string_view &rest, char separator) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (is_quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') is_quoted = !is_quoted;
    if (rest[end] == '\\' && is_quoted && end + 1 < rest.size()) ++end;
  }
  const std::string_view cut = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return cut;
}

// The value of the parameter "for" of one element, without quotes; empty if it has none. RFC 7239 section 4.
std::string_view forwarded_for(std::string_view element) {
  while (!element.empty()) {
    std::string_view pair = cut_before(element, ';');
    if (!equals_ignoring_case(cut_before(pair, '='), "for")) continue;
    if (pair.size() >= 2 && pair.front() == '"' && pair.back() == '"') pair = pair.substr(1, pair.size() - 2);
    return pair;
  }
  return {};
}

// An address, perhaps with a port: 192.0.2.1:80, [2001:db8::1]:80, [2001:db8::1], 2001:db8::1.
std::optional<IpAddress> address_of(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    return end == std::string_view::npos ? std::nullopt : IpAddress::parse(node.substr(1, end - 1));
  }
  if (std::count(node.begin(), node.end(), ':') == 1) node = node.substr(0, node.find(':'));
  return IpAddress::parse(node);
}

} // namespace

bool is_trusted(std::span<const IpNetwork> proxies, const IpAddress &address) {
  return std::any_of(proxies.begin(), proxies.end(), [&](const IpNetwork &each) { return each.contains(address); });
}

IpAddress forwarded_client(const RequestHead &head, ForwardedHeader header, const IpAddress &peer,
                           std::span<const IpNetwork> proxies) {
  const bool is_standard = header == ForwardedHeader::forwarded;
  std::vector<std::string_view> elements; // a head is short, and so is this
  for (const Header &each : head.headers) {
    if (!equals_ignoring_case(each.name, is_standard ? "forwarded" : "x-forwarded-for")) continue;
    for (std::string_view rest = each.value; is_standard && !rest.empty();)
      if (const std::string_view element = cut_before(rest, ','); !element.empty()) elements.push_back(element);
    if (!is_standard) for_each_word(each.value, [&](std::string_view word) { elements.push_back(word); });
  }
  IpAddress nearest = peer;
  while (!elements.empty() && is_trusted(proxies, nearest)) {
    const auto address = address_of(is_standard ? forwarded_for(elements.back()) : elements.back());
    if (!address) break;
    nearest = *address;
    elements.pop_back();
  }
  return nearest;
}

} // namespace pg_live
