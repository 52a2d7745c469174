// Reading both headers from their end.
#include "http/forwarded.hpp"

#include "base/http_text.hpp"

#include <algorithm>
#include <vector>

namespace pg_live {

namespace {

// The value of the parameter "for" of one element, without quotes; empty if it has none. RFC 7239 section 4.
std::string_view forwarded_for(std::string_view element) {
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = trim(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!equals_ignoring_case(pair.substr(0, equals), "for")) continue;
    std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
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
  for (const Header &each : head.headers)
    if (equals_ignoring_case(each.name, is_standard ? "forwarded" : "x-forwarded-for"))
      for_each_word(each.value, [&](std::string_view word) { elements.push_back(word); });
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
