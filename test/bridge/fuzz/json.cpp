// Whatever the slicer accepts, cJSON accepts too and reads the same strings; its readers agree with one another; what
// they quote reads back.
#include "text/json.hpp"

#include <cstdlib>
#include <memory>
#include <string>

#include <cjson/cJSON.h>

#include "fuzz.hpp"
#include "text/utf8.hpp"

using namespace pg_live;
using fuzz::require;

namespace {

void compare(json::Value ours, const cJSON *theirs) {
  require(theirs != nullptr);
  std::string text;
  switch (ours.kind) {
  case json::Kind::null:
    return require(cJSON_IsNull(theirs));
  case json::Kind::boolean:
    return require(cJSON_IsTrue(theirs) == (ours.raw == "true"));
  case json::Kind::number:
    return require(cJSON_IsNumber(theirs));
  case json::Kind::string:
    require(json::unescape(ours, text) && cJSON_IsString(theirs));
    require(text == theirs->valuestring && json::equals(ours.raw, text));
    return;
  case json::Kind::array:
  case json::Kind::object:
    break;
  }
  const cJSON *child = theirs->child;
  for (const json::Value &element : json::elements(ours)) {
    compare(element, child);
    child = child->next;
  }
  for (const json::Member &member : json::members(ours)) {
    require(json::unescape({json::Kind::string, member.key}, text) && text == child->string);
    require(json::member(ours, text).has_value());
    compare(member.value, child);
    child = child->next;
  }
  require(child == nullptr);
}

bool has_duplicates_slowly(json::Value object) {
  std::size_t at = 0;
  for (const json::Member &one : json::members(object)) {
    std::string name;
    json::unescape({json::Kind::string, one.key}, name);
    std::size_t other_at = 0;
    for (const json::Member &other : json::members(object))
      if (other_at++ < at && json::equals(other.key, name)) return true;
    ++at;
  }
  return false;
}

} // namespace

extern "C" int fuzz_json(const unsigned char *data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  json::Error error;
  if (const auto value = json::parse(text, {}, &error)) {
    const std::string terminated(text); // cJSON takes no embedded NUL for the end
    const std::unique_ptr<cJSON, decltype(&cJSON_Delete)> theirs(
        cJSON_ParseWithLengthOpts(terminated.c_str(), terminated.size() + 1, nullptr, 1), &cJSON_Delete);
    compare(*value, theirs.get());
    require(json::has_duplicate_members(*value) == has_duplicates_slowly(*value));
    require(json::parse(value->raw)->raw == value->raw);
  } else {
    require(!error.message.empty() && error.offset <= text.size());
  }
  std::string quoted;
  json::append_quoted(quoted, text);
  const auto read = json::parse(quoted);
  std::string back;
  require(read && json::unescape(*read, back));
  if (is_utf8(text) && text.find('\0') == std::string_view::npos) require(back == text);
  return 0;
}
