// What the payloads of joins, tokens and presence say, see phoenix.hpp. What real clients send and how they differ
// decides what is tolerated.
#include "base/sqlstate.hpp"
#include "wire/phoenix/phoenix.hpp"

#include <algorithm>

#include "text/json.hpp"
#include "wire/lenient_boolean.hpp"
#include "wire/topic_name.hpp"

namespace pg_live::phoenix {

namespace {

using json::Kind;
using json::Value;

// The object of that name within `object`; an empty object when it is missing or something else.
Value object_in(Value object, std::string_view name) {
  const auto value = json::member(object, name);
  return value && value->kind == Kind::object ? *value : Value{Kind::object, "{}"};
}

std::string string_in(Value object, std::string_view name) {
  std::string text;
  if (const auto value = json::member(object, name)) json::unescape(*value, text);
  return text;
}

bool flag_in(Value object, std::string_view name) {
  return lenient_boolean(json::member(object, name)).value_or(false);
}

bool is_given(const std::optional<Value> &value) { return value && value->kind != Kind::null; }

// Milliseconds until the year 10000, which every timestamp can hold.
constexpr std::int64_t kMaxMilliseconds = 253'402'300'799'999;

constexpr std::size_t kMaxPresenceKeyBytes = 1020; // 255 characters

void refuse(JoinOptions &options, std::string_view reason,
            std::string_view sqlstate = sqlstate::kInvalidParameterValue) {
  options.refusal = reason;
  options.refusal_code = sqlstate;
}

void refuse_replay(JoinOptions &options, std::string_view reason) {
  refuse(options, std::string("UnableToReplayMessages: Replay params are not valid: ").append(reason));
}

void read_replay(Value replay, JoinOptions &options) {
  const auto since = json::member(replay, "since");
  const auto limit = json::member(replay, "limit");
  options.wants_replay = true;
  if (is_given(since)) options.replay_since = json::to_int64(*since);
  if (is_given(limit)) options.replay_limit = json::to_int64(*limit);
  if (!is_given(since) && !is_given(limit)) refuse_replay(options, "since or limit must be given");
  if (is_given(limit) && options.replay_limit.value_or(0) < 1)
    refuse_replay(options, "limit must be an integer above 0");
  if (is_given(since) && (options.replay_since.value_or(-1) < 0 || *options.replay_since > kMaxMilliseconds))
    refuse_replay(options, "since must be milliseconds since 1970, an integer");
}

// realtime-js makes the config of a join itself, and passes on only what it knows, among it all of `broadcast`.
void read_resume(Value config, Value broadcast, JoinOptions &options) {
  for (const Value place : {config, broadcast})
    if (const auto resume = json::member(place, "resume"); options.resume.empty() && is_given(resume))
      options.resume = resume->kind == Kind::string ? string_in(place, "resume") : std::string(resume->raw);
}

void read_presence(Value presence, JoinOptions &options) {
  // Clients before realtime-js 2.54 do not say `enabled` and wait for a presence_state.
  const auto enabled = json::member(presence, "enabled");
  options.presence_enabled = !is_given(enabled) || lenient_boolean(enabled).value_or(true);
  const auto key = json::member(presence, "key");
  if (key && key->kind == Kind::number)
    options.presence_key = key->raw;
  else
    options.presence_key = string_in(presence, "key");
  if (options.presence_key.size() > kMaxPresenceKeyBytes || has_control_characters(options.presence_key))
    refuse(options, "a presence key must have 1 to 255 characters and no control characters");
}

// The array is echoed as long as it asks for nothing: a client whose list comes back different gives up for good.
bool asks_for_changes(Value changes) {
  for (const Value &change : json::elements(changes))
    if (change.kind == Kind::object) return true;
  return false;
}

std::optional<std::string> token_in(Value payload) {
  auto value = json::member(payload, "access_token");
  if (!value) value = json::member(payload, "user_token"); // clients of 2022
  std::string token;
  if (!value || !json::unescape(*value, token) || token.starts_with("sb_")) return std::nullopt;
  return token;
}

} // namespace

std::optional<bool> wants_to_persist(const Broadcast &broadcast) {
  const std::string_view said = broadcast.object.empty() ? broadcast.metadata : broadcast.object;
  if (said.empty()) return false;
  return persistence(json::member({Kind::object, said}, "persist"));
}

JoinOptions parse_join(std::string_view payload) {
  JoinOptions options;
  options.response = R"({"postgres_changes":[]})";
  const auto parsed = json::parse(payload);
  if (!parsed) return options;
  const Value config = object_in(*parsed, "config");
  const Value broadcast = object_in(config, "broadcast");
  options.broadcast_self = flag_in(broadcast, "self");
  options.broadcast_ack = flag_in(broadcast, "ack");
  options.asks_when_ready = flag_in(broadcast, "replication_ready");
  if (const auto replay = json::member(broadcast, "replay"); is_given(replay)) read_replay(*replay, options);
  if (const auto presence = json::member(config, "presence"); presence && presence->kind == Kind::object)
    read_presence(*presence, options);
  const auto is_private = lenient_boolean(json::member(config, "private"));
  if (!is_private) refuse(options, "private must be true or false");
  options.is_private = is_private.value_or(true);
  read_resume(config, broadcast, options);
  options.access_token = token_in(*parsed);
  if (const auto changes = json::member(config, "postgres_changes")) {
    options.accepts_binary = true; // made by a client of Supabase's: those name the changes they want, be it none
    if (asks_for_changes(*changes)) {
      refuse(options, "postgres_changes are not supported: emit events or log activities, and receive broadcasts",
             "0A000");
    } else if (changes->kind == Kind::array) {
      options.response = std::string(R"({"postgres_changes":)").append(changes->raw).append("}");
    }
  }
  return options;
}

std::optional<std::string> parse_access_token(std::string_view payload) {
  const auto parsed = json::parse(payload);
  return parsed ? token_in(*parsed) : std::nullopt;
}

std::optional<PresenceCommand> parse_presence(std::string_view payload) {
  const auto parsed = json::parse(payload);
  if (!parsed) return std::nullopt;
  std::string event = string_in(*parsed, "event");
  std::transform(event.begin(), event.end(), event.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  PresenceCommand command;
  if (event == "untrack")
    command.action = PresenceCommand::Action::untrack;
  else if (event != "track")
    return std::nullopt;
  const auto inner = json::member(*parsed, "payload");
  command.payload = inner ? inner->raw : "{}";
  command.is_object = !inner || inner->kind == Kind::object;
  return command;
}

} // namespace pg_live::phoenix
