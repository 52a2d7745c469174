// Matching of origins.
#include "base/origin.hpp"

#include "base/http_text.hpp"

namespace pg_live {

namespace {

constexpr std::string_view kAnyHost = "*.";

struct Parts {
  std::string_view scheme; // with "://"
  std::string_view host;   // with the port
};

Parts parts_of(std::string_view origin) {
  const std::size_t end = origin.find("://");
  if (end == std::string_view::npos) return {};
  return {origin.substr(0, end + 3), origin.substr(end + 3)};
}

} // namespace

bool is_origin_rule(std::string_view text) {
  if (text == "*" || text == "null") return true;
  auto [scheme, host] = parts_of(text);
  if (host.starts_with(kAnyHost)) host.remove_prefix(kAnyHost.size());
  return scheme.size() > 3 && !host.empty() && !host.starts_with('.') &&
         host.find_first_of("/?#@* \t") == std::string_view::npos;
}

// The dot belongs to what is compared, so that evil-app.example is not below app.example.
bool origin_matches(std::string_view rule, std::string_view origin) {
  if (rule == "*" || equals_ignoring_case(rule, origin)) return true;
  const auto [scheme, host] = parts_of(rule);
  const auto [own_scheme, own_host] = parts_of(origin);
  if (!host.starts_with(kAnyHost) || !equals_ignoring_case(scheme, own_scheme)) return false;
  const std::string_view below = host.substr(1);
  return own_host.size() > below.size() && !own_host.starts_with('.') &&
         equals_ignoring_case(own_host.substr(own_host.size() - below.size()), below);
}

} // namespace pg_live
