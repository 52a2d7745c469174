// See lenient_boolean.hpp.
#include "wire/lenient_boolean.hpp"

#include <string_view>

namespace pg_live {

std::optional<bool> lenient_boolean(const std::optional<json::Value> &value) {
  if (!value || value->kind == json::Kind::null) return false;
  if (value->kind != json::Kind::boolean && value->kind != json::Kind::string) return std::nullopt;
  for (const std::string_view yes : {"true", "\"true\"", "\"True\"", "\"TRUE\""})
    if (value->raw == yes) return true;
  for (const std::string_view no : {"false", "\"false\"", "\"False\"", "\"FALSE\"", "\"\""})
    if (value->raw == no) return false;
  return std::nullopt;
}

std::optional<bool> persistence(const std::optional<json::Value> &value) {
  return value && value->kind == json::Kind::object ? std::optional(true) : lenient_boolean(value);
}

} // namespace pg_live
