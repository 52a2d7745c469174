// Decoding, see phoenix.hpp. Binary layouts are those of Supabase's protocol page (kinds 0 and 3); what real clients
// send and how they differ decides what is tolerated.
#include "wire/phoenix/phoenix.hpp"

#include "text/json.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace pg_live::phoenix {

namespace {

using json::Kind;
using json::Value;

constexpr auto kRefsTooLong = "refs must be short strings, numbers or null";

constexpr unsigned char kKindPush = 0;
constexpr unsigned char kKindUserBroadcastPush = 3;

std::nullopt_t fail(std::string *error, std::string_view message) {
  if (error != nullptr) *error = message;
  return std::nullopt;
}

bool parse_ref(const std::optional<Value> &value, std::string &ref) {
  if (!value) {
    ref = "null";
    return true;
  }
  if (value->kind != Kind::string && value->kind != Kind::number && value->kind != Kind::null) return false;
  if (value->raw.size() > kMaxRefBytes) return false;
  ref = value->raw;
  return true;
}

std::optional<Broadcast> broadcast_in(Value payload) {
  if (payload.kind != Kind::object) return std::nullopt;
  std::optional<Value> event;
  Broadcast broadcast{.event = {}, .payload = "{}", .object = payload.raw};
  for (const json::Member &member : json::members(payload)) { // one pass: this is in the way of every broadcast
    if (json::equals(member.key, "event")) event = member.value;
    if (json::equals(member.key, "payload")) broadcast.payload = member.value.raw;
  }
  if (event) json::unescape(*event, broadcast.event);
  return broadcast;
}

MessageKind kind_of(std::string_view topic, std::string_view event) {
  if (topic == "phoenix") return event == "heartbeat" ? MessageKind::sign_of_life : MessageKind::unknown;
  if (event == "phx_join") return MessageKind::join;
  if (event == "phx_leave") return MessageKind::leave;
  if (event == "access_token") return MessageKind::access_token;
  if (event == "broadcast") return MessageKind::broadcast;
  if (event == "presence") return MessageKind::presence;
  return MessageKind::command;
}

// The five parts of a message in the order of serializer 2.0.0; a part may be missing in 1.0.0.
using Parts = std::array<std::optional<Value>, 5>;

std::optional<Message> message_of(const Parts &parts, std::string *error) {
  const auto &[join_ref, ref, topic, event, payload] = parts;
  Message message;
  if (!parse_ref(join_ref, message.join_ref) || !parse_ref(ref, message.ref)) return fail(error, kRefsTooLong);
  if (!topic || !json::unescape(*topic, message.topic)) return fail(error, "the topic must be a string");
  if (!event || !json::unescape(*event, message.event)) return fail(error, "the event must be a string");
  message.payload = payload ? payload->raw : "{}";
  message.kind = kind_of(message.topic, message.event);
  if (message.event == "broadcast" && payload) message.broadcast = broadcast_in(*payload);
  return message;
}

bool is_text(std::string_view part) { return is_utf8(part) && part.find('\0') == std::string_view::npos; }

// A ref of a binary frame as JSON text; nothing when that is longer than a ref may be.
std::optional<std::string> ref_of(std::string_view part) {
  if (part.empty()) return "null";
  std::string ref;
  json::append_quoted(ref, part);
  if (ref.size() > kMaxRefBytes) return std::nullopt;
  return ref;
}

// Cuts the parts that a binary header gives the lengths of; nothing when the frame is too short for them.
template <std::size_t count>
std::optional<std::array<std::string_view, count>> cut(std::string_view &body, std::string_view lengths) {
  std::array<std::string_view, count> parts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = static_cast<unsigned char>(lengths[i]);
    if (length > body.size()) return std::nullopt;
    parts[i] = body.substr(0, length);
    body.remove_prefix(length);
  }
  return parts;
}

// kind, lengths of join_ref, ref, topic, event, metadata, encoding; the parts; the payload.
std::optional<Message> decode_user_broadcast(std::string_view frame, std::string *error) {
  constexpr std::size_t kHeaderBytes = 7;
  if (frame.size() < kHeaderBytes) return fail(error, "the binary frame is too short");
  const auto encoding = static_cast<unsigned char>(frame[6]);
  if (encoding > 1) return fail(error, "unknown encoding of a binary frame");
  std::string_view body = frame.substr(kHeaderBytes);
  const auto parts = cut<5>(body, frame.substr(1, 5));
  if (!parts) return fail(error, "the binary frame is too short");
  if (!std::all_of(parts->begin(), parts->end(), is_text)) return fail(error, "the binary header is not UTF-8 text");
  const auto &[join_part, ref_part, topic, event, metadata] = *parts;
  auto join_ref = ref_of(join_part);
  auto ref = ref_of(ref_part);
  if (!join_ref || !ref) return fail(error, kRefsTooLong);
  Broadcast broadcast{.event = std::string(event), .payload = body, .encoding = static_cast<Encoding>(encoding)};
  if (!metadata.empty()) {
    const auto value = json::parse(metadata);
    if (!value || value->kind != Kind::object) return fail(error, "the metadata is not a JSON object");
    broadcast.metadata = value->raw;
  }
  if (broadcast.encoding == Encoding::json) {
    json::Error fault;
    const auto value = json::parse(body, {}, &fault);
    if (!value) return fail(error, "the payload is not JSON: " + std::string(fault.message));
    broadcast.payload = value->raw;
  }
  Message message{.join_ref = std::move(*join_ref),
                  .ref = std::move(*ref),
                  .topic = std::string(topic),
                  .event = "broadcast",
                  .payload = broadcast.payload,
                  .kind = kind_of(topic, "broadcast"),
                  .encoding = broadcast.encoding,
                  .broadcast = {}};
  message.broadcast = std::move(broadcast);
  return message;
}

// kind, lengths of join_ref, ref, topic, event; the parts; the payload.
std::optional<Message> decode_push(std::string_view frame, std::string *error) {
  constexpr std::size_t kHeaderBytes = 5;
  if (frame.size() < kHeaderBytes) return fail(error, "the binary frame is too short");
  std::string_view body = frame.substr(kHeaderBytes);
  const auto parts = cut<4>(body, frame.substr(1, 4));
  if (!parts) return fail(error, "the binary frame is too short");
  if (!std::all_of(parts->begin(), parts->end(), is_text)) return fail(error, "the binary header is not UTF-8 text");
  const auto &[join_part, ref_part, topic, event] = *parts;
  auto join_ref = ref_of(join_part);
  auto ref = ref_of(ref_part);
  if (!join_ref || !ref) return fail(error, kRefsTooLong);
  return Message{.join_ref = std::move(*join_ref),
                 .ref = std::move(*ref),
                 .topic = std::string(topic),
                 .event = std::string(event),
                 .payload = body,
                 .kind = kind_of(topic, event),
                 .encoding = Encoding::binary,
                 .broadcast = {}};
}

} // namespace

std::optional<Version> version_of(std::string_view vsn) {
  if (vsn.empty() || vsn == "1.0.0") return Version::v1;
  if (vsn == "2.0.0") return Version::v2;
  return std::nullopt;
}

std::optional<Message> decode_text(Version version, std::string_view frame, std::string *error) {
  json::Error fault;
  const auto value = json::parse(frame, {}, &fault);
  if (!value) return fail(error, std::string(fault.message) + " at byte " + std::to_string(fault.offset));
  Parts parts;
  if (version == Version::v1) {
    if (value->kind != Kind::object) return fail(error, "a message must be an object");
    constexpr std::array<std::string_view, 5> kNames{"join_ref", "ref", "topic", "event", "payload"};
    for (const json::Member &member : json::members(*value))
      for (std::size_t i = 0; i < kNames.size(); ++i)
        if (json::equals(member.key, kNames[i])) parts[i] = member.value;
  } else {
    std::size_t count = 0;
    for (const Value &element : json::elements(*value)) {
      if (count < parts.size()) parts[count] = element;
      ++count;
    }
    if (count != parts.size()) return fail(error, "a message must be an array of five");
  }
  return message_of(parts, error);
}

std::optional<Message> decode_binary(std::string_view frame, std::string *error) {
  if (frame.empty()) return fail(error, "the binary frame is too short");
  switch (static_cast<unsigned char>(frame.front())) {
  case kKindPush:
    return decode_push(frame, error);
  case kKindUserBroadcastPush:
    return decode_user_broadcast(frame, error);
  default:
    return fail(error, "unknown kind of binary frame");
  }
}

Envelope envelope_of_binary(std::string_view frame) {
  const bool is_broadcast = frame.starts_with(static_cast<char>(kKindUserBroadcastPush));
  if (!is_broadcast && !frame.starts_with(static_cast<char>(kKindPush))) return {};
  const std::size_t header_bytes = is_broadcast ? 7 : 5;
  if (frame.size() < header_bytes) return {};
  std::string_view body = frame.substr(header_bytes);
  const auto parts = cut<3>(body, frame.substr(1, 3));
  if (!parts || !std::all_of(parts->begin(), parts->end(), is_text)) return {};
  Envelope envelope{
      .join_ref = ref_of((*parts)[0]).value_or("null"), .ref = ref_of((*parts)[1]).value_or("null"), .topic = {}};
  json::append_quoted(envelope.topic, (*parts)[2]);
  return envelope;
}

} // namespace pg_live::phoenix
