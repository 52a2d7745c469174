// Encoding, see phoenix.hpp. Payloads are pasted: JSON text in, the same JSON text out.
#include "wire/phoenix/phoenix.hpp"

#include <array>
#include <map>

#include "text/json_writer.hpp"
#include "wire/topic_name.hpp"

namespace pg_live::phoenix {

namespace {

constexpr char kKindUserBroadcast = 4;
constexpr std::size_t kMaxBinaryPartBytes = 255;

std::string_view or_null(std::string_view ref) { return ref.empty() ? "null" : ref; }

// Clients fail on a payload that is null.
std::string_view or_object(std::string_view payload) { return payload.empty() || payload == "null" ? "{}" : payload; }

std::string_view word(Status status) { return status == Status::ok ? "ok" : "error"; }

// Everything before the payload. The topic is a JSON string. Serializer 1.0.0 sends no join_ref to clients.
void open_quoted(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                 std::string_view topic, std::string_view event) {
  if (version == Version::v2) {
    out += '[';
    out += or_null(join_ref);
    out += ',';
    out += or_null(ref);
    out += ',';
    out += topic;
    out += ',';
    json::append_quoted(out, event);
    out += ',';
  } else {
    out += "{\"topic\":";
    out += topic;
    out += ",\"event\":";
    json::append_quoted(out, event);
    out += ",\"ref\":";
    out += or_null(ref);
    out += ",\"payload\":";
  }
}

void open(std::string &out, Version version, std::string_view join_ref, std::string_view ref, std::string_view topic,
          std::string_view event) {
  std::string quoted;
  json::append_quoted(quoted, topic);
  open_quoted(out, version, join_ref, ref, quoted, event);
}

void close(std::string &out, Version version) { out += version == Version::v2 ? ']' : '}'; }

void append_outcome(std::string &out, Status status, std::string_view response) {
  out += "{\"status\":\"";
  out += word(status);
  out += "\",\"response\":";
  out += or_object(response);
  out += '}';
}

std::string error_response(const Refusal &refusal) {
  std::string response = "{";
  json::append_member(response, "reason", refusal.reason);
  if (!refusal.sqlstate.empty()) json::append_member(response, "code", refusal.sqlstate);
  if (refusal.retry_after_seconds > 0)
    json::append_raw_member(response, "retry_after", std::to_string(refusal.retry_after_seconds));
  return response.append("}");
}

void append_meta(std::string &out, Meta meta) {
  out += '{';
  if (!meta.id.empty()) json::append_member(out, "id", meta.id);
  if (meta.replayed) json::append_raw_member(out, "replayed", "true");
  out += '}';
}

// What is shown of a member: its ref and then its own metadata.
std::string meta_of(const SeenMember &member) {
  std::string meta = "{";
  json::append_member(meta, "phx_ref", member.ref);
  if (!member.previous_ref.empty()) json::append_member(meta, "phx_ref_prev", member.previous_ref);
  if (member.meta != "{}") meta += ',';
  return meta.append(member.meta, 1); // after the opening brace
}

std::string by_key(const std::vector<SeenMember> &members) {
  std::map<std::string_view, std::string> metas;
  for (const SeenMember &member : members)
    json::append_raw_element(metas.try_emplace(member.key, "[").first->second, meta_of(member));
  std::string object = "{";
  for (const auto &[key, list] : metas) {
    json::append_raw_member(object, key, R"({"metas":)");
    object.append(list).append("]}");
  }
  return object.append("}");
}

bool has_meta(Meta meta) { return !meta.id.empty() || meta.replayed; }

} // namespace

void append_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                  std::string_view topic, Status status, std::string_view response) {
  open(out, version, join_ref, ref, topic, "phx_reply");
  append_outcome(out, status, response);
  close(out, version);
}

void append_error_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                        std::string_view topic, const Refusal &refusal) {
  append_reply(out, version, join_ref, ref, topic, Status::error, error_response(refusal));
}

void append_error_reply(std::string &out, Version version, const Envelope &to, const Refusal &refusal) {
  open_quoted(out, version, to.join_ref, to.ref, to.topic.empty() ? "\"phoenix\"" : std::string_view(to.topic),
              "phx_reply");
  append_outcome(out, Status::error, error_response(refusal));
  close(out, version);
}

std::string presence_payload(const PresenceState &state) { return by_key(state); }

std::string presence_payload(const PresenceDiff &diff) {
  std::string payload = "{";
  json::append_raw_member(payload, "joins", by_key(diff.joins));
  json::append_raw_member(payload, "leaves", by_key(diff.leaves));
  return payload.append("}");
}

void append_push(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                 std::string_view event, std::string_view payload) {
  open(out, version, join_ref, {}, topic, event);
  out += or_object(payload);
  close(out, version);
}

void append_broadcast(std::string &out, Version version, std::string_view topic, const Broadcast &broadcast) {
  if (broadcast.object.empty()) return append_broadcast(out, version, topic, broadcast.event, broadcast.payload);
  open(out, version, {}, {}, topic, "broadcast");
  out += '{';
  for (const json::Member &member : json::members({json::Kind::object, broadcast.object})) {
    if (json::equals(member.key, "meta")) continue;
    if (out.back() != '{') out += ',';
    out.append(member.key).append(":").append(member.value.raw);
  }
  out += '}';
  close(out, version);
}

void append_broadcast(std::string &out, Version version, std::string_view topic, std::string_view event,
                      std::string_view payload, Meta meta) {
  open(out, version, {}, {}, topic, "broadcast");
  out += "{\"type\":\"broadcast\",\"event\":";
  json::append_quoted(out, event);
  out += ",\"payload\":";
  out += payload.empty() ? "{}" : payload;
  if (has_meta(meta)) {
    out += ",\"meta\":";
    append_meta(out, meta);
  }
  out += '}';
  close(out, version);
}

bool append_binary_broadcast(std::string &out, std::string_view topic, std::string_view event, std::string_view payload,
                             Meta meta) {
  std::string metadata;
  if (has_meta(meta)) append_meta(metadata, meta);
  const std::array<std::string_view, 3> parts{topic, event, metadata};
  for (const std::string_view part : parts)
    if (part.size() > kMaxBinaryPartBytes) return false;
  out += kKindUserBroadcast;
  for (const std::string_view part : parts)
    out += static_cast<char>(part.size());
  out += static_cast<char>(Encoding::binary);
  for (const std::string_view part : parts)
    out += part;
  out += payload;
  return true;
}

void append_close(std::string &out, Version version, std::string_view join_ref, std::string_view topic) {
  open(out, version, join_ref, join_ref, topic, "phx_close");
  out += "{}";
  close(out, version);
}

void append_error(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                  std::string_view reason) {
  open(out, version, join_ref, join_ref, topic, "phx_error");
  out += '{';
  json::append_member(out, "reason", reason);
  out += '}';
  close(out, version);
}

void append_system(std::string &out, Version version, std::string_view join_ref, std::string_view topic, Status status,
                   std::string_view message, std::string_view extension) {
  open(out, version, join_ref, {}, topic, "system");
  out += '{';
  json::append_member(out, "extension", extension);
  json::append_member(out, "status", word(status));
  json::append_member(out, "message", message);
  json::append_member(out, "channel", without_prefix(topic));
  out += '}';
  close(out, version);
}

} // namespace pg_live::phoenix
