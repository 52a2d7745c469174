// See device_type.hpp. Only words that browsers have agreed on: MDN, "Browser detection using the user agent".
#include "identity/device_type.hpp"

namespace pg_live {

DeviceType device_type_of(std::string_view user_agent) {
  const auto says = [user_agent](std::string_view word) { return user_agent.find(word) != std::string_view::npos; };
  if (says("iPad") || says("Tablet") || (says("Android") && !says("Mobi"))) return DeviceType::tablet;
  if (says("Mobi")) return DeviceType::mobile;
  return says("Mozilla/") ? DeviceType::web : DeviceType::other;
}

std::string_view name_of(DeviceType type) {
  switch (type) {
  case DeviceType::web:
    return "web";
  case DeviceType::mobile:
    return "mobile";
  case DeviceType::tablet:
    return "tablet";
  case DeviceType::other:
    break;
  }
  return "other";
}

} // namespace pg_live
