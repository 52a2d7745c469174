// See device_type.hpp. Only words that browsers have agreed on: MDN, "Browser detection using the user agent".
#include "device_type.hpp"

namespace pg_live {

std::string_view device_type_of(std::string_view user_agent) {
  const auto says = [user_agent](std::string_view word) { return user_agent.find(word) != std::string_view::npos; };
  if (says("iPad") || says("Tablet") || (says("Android") && !says("Mobi"))) return "tablet";
  if (says("Mobi")) return "mobile";
  return says("Mozilla/") ? "web" : "other";
}

} // namespace pg_live
