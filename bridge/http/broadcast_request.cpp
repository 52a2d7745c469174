// Reading the messages of a POST.
#include "http/broadcast_request.hpp"

#include "base/http_text.hpp"
#include "http/url_query.hpp"
#include "text/json.hpp"
#include "wire/lenient_boolean.hpp"
#include "wire/topic_name.hpp"

#include <array>

namespace pg_live {

namespace {

constexpr std::array<std::string_view, 2> kPaths = {"/realtime/v1/api/broadcast", "/api/broadcast"};

constexpr BadBroadcast kNone{.message = "the body is not a broadcast in JSON"};
constexpr BadBroadcast kBadName{.message =
                                    "topic (1 to 1100 bytes) and event (1 to 255) must not have control characters"};
constexpr BadBroadcast kBadFlag{.message = "private and persist must be true or false"};

// What follows the path of a broadcast: "" or "/<topic>/events/<event>".
std::optional<std::string_view> rest_of(std::string_view path) {
  for (const std::string_view known : kPaths)
    if (path == known || (path.starts_with(known) && path.substr(known.size()).starts_with('/')))
      return path.substr(known.size());
  return std::nullopt;
}

bool read_text(json::Value object, std::string_view name, std::string &text) {
  const auto value = json::member(object, name);
  return value && json::unescape(*value, text) && !text.empty();
}

// A boolean of the query, read as the same of a body.
std::optional<bool> flag_of(const RequestHead &head, std::string_view name) {
  const auto text = head.query_argument(name);
  if (!text) return false;
  std::string quoted;
  json::append_quoted(quoted, *text);
  return lenient_boolean(json::parse(quoted));
}

bool has_bytes(const RequestHead &head) {
  const std::string_view type = head.header("content-type").value_or("");
  return equals_ignoring_case(trim(type.substr(0, type.find(';'))), "application/octet-stream");
}

using OneBroadcast = std::variant<OutgoingBroadcast, BadBroadcast>;

OneBroadcast checked(OutgoingBroadcast message, std::optional<bool> is_private, std::optional<bool> persists) {
  message.topic = without_prefix(message.topic);
  if (!is_topic_name(message.topic) || !is_event_name(message.event)) return kBadName;
  if (!is_private || !persists) return kBadFlag;
  message.is_private = *is_private;
  message.persists = *persists;
  return message;
}

// "/<topic>/events/<event>": a topic may contain the word itself, so the last one separates.
OneBroadcast from_path(std::string_view rest, const RequestHead &head, std::string_view body) {
  const std::size_t separator = rest.rfind("/events/");
  if (separator == std::string_view::npos || separator == 0) return kNone;
  const auto topic = percent_decode(rest.substr(1, separator - 1));
  const auto event = percent_decode(rest.substr(separator + 8));
  if (!topic || !event) return kNone;
  OutgoingBroadcast message{.topic = *topic, .event = *event, .payload = std::string(body)};
  if (has_bytes(head)) {
    message.encoding = Encoding::binary;
  } else if (!json::parse(body)) {
    return kNone;
  }
  auto persists = flag_of(head, "persist");
  if (persists == false && head.query_argument("persist[ttl]")) persists = true; // kept as long as all events are
  return checked(std::move(message), flag_of(head, "private"), persists);
}

OneBroadcast from_object(json::Value object) {
  OutgoingBroadcast message;
  const auto payload = json::member(object, "payload");
  if (!payload || !read_text(object, "topic", message.topic) || !read_text(object, "event", message.event))
    return kNone;
  message.payload = payload->raw;
  return checked(std::move(message), lenient_boolean(json::member(object, "private")),
                 persistence(json::member(object, "persist")));
}

} // namespace

bool is_broadcast_path(std::string_view path) { return rest_of(path).has_value(); }

std::variant<std::vector<OutgoingBroadcast>, BadBroadcast> read_broadcasts(const RequestHead &head,
                                                                           std::string_view body) {
  const std::string_view rest = rest_of(head.path).value_or("");
  std::vector<OutgoingBroadcast> messages;
  if (!rest.empty()) {
    OneBroadcast message = from_path(rest, head, body);
    if (const auto *bad = std::get_if<BadBroadcast>(&message)) return *bad;
    messages.push_back(std::get<OutgoingBroadcast>(std::move(message)));
    return messages;
  }
  const auto root = json::parse(body);
  const auto list = root ? json::member(*root, "messages") : std::nullopt;
  if (!list || list->kind != json::Kind::array) return kNone;
  for (const json::Value &each : json::elements(*list)) {
    if (messages.size() == kMaxBroadcasts)
      return BadBroadcast{429, "Too many messages to broadcast, please reduce the batch size", ""};
    OneBroadcast message = from_object(each);
    if (const auto *bad = std::get_if<BadBroadcast>(&message)) return *bad;
    messages.push_back(std::get<OutgoingBroadcast>(std::move(message)));
  }
  return messages;
}

} // namespace pg_live
