// The wire format of Phoenix Channels as Supabase Realtime speaks it: serializers 1.0.0 (objects) and 2.0.0 (arrays and
// binary frames). A codec only: it knows neither connections nor topics' rules.
//
// Invariant: payloads pass through as the bytes they came in, after validation; refs are echoed verbatim. Every encoder
// appends one whole message whose payload is never null (a null payload crashes known clients).
#pragma once

#include "wire/codec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live::phoenix {

// Refs are echoed in every reply, so their size is bounded.
inline constexpr std::size_t kMaxRefBytes = 255;

enum class Version : unsigned char { v1, v2 };

// From the query argument `vsn`: "" and "1.0.0" are v1, "2.0.0" is v2, nothing for others.
std::optional<Version> version_of(std::string_view vsn);

// Whether the broadcast asks to be kept: `persist` of a text frame, or of the metadata of a binary one. Nothing when
// the value says neither.
std::optional<bool> wants_to_persist(const Broadcast &broadcast);

// Decodes a text frame. Without a message, `error` (when given) says why, in lower case.
std::optional<Message> decode_text(Version version, std::string_view frame, std::string *error = nullptr);

// Decodes a binary frame: kind 3 (a broadcast) or kind 0 (a push with binary payload). Both exist in v2 only.
std::optional<Message> decode_binary(std::string_view frame, std::string *error = nullptr);

// Reads the envelope of a frame that may hold no message at all: one that cannot be stored, or only its beginning.
Envelope envelope_of(Version version, std::string_view frame);
Envelope envelope_of_binary(std::string_view frame);

// Reads the payload of a phx_join (JSON text from a decoded Message).
JoinOptions parse_join(std::string_view payload);

// The token of an `access_token` message or a join; nothing when it is absent, null or an API key ("sb_…"), which mean
// "keep the token". An empty token is a token, and a bad one.
std::optional<std::string> parse_access_token(std::string_view payload);

// Reads the payload of a `presence` message; nothing when it is neither track nor untrack (case does not matter).
std::optional<PresenceCommand> parse_presence(std::string_view payload);

// Encoders. `join_ref` and `ref` are JSON text as in Message (empty means null); `topic` and `event` are plain text and
// are quoted here; `payload` and `response` are JSON text, pasted unread (empty or null becomes {}).

// `phx_reply`, also to heartbeats (topic "phoenix").
void append_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                  std::string_view topic, Status status, std::string_view response);

// An error reply {"reason": reason, "code": sqlstate, "retry_after": seconds}, without those that are not said.
void append_error_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                        std::string_view topic, const Refusal &refusal);

// The same to a message that could not be read. The topic "phoenix" when the envelope has none.
void append_error_reply(std::string &out, Version version, const Envelope &to, const Refusal &refusal);

// A message from the server.
void append_push(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                 std::string_view event, std::string_view payload);

// The payloads of `presence_state`, {key: {"metas": [{"phx_ref": ref, …}]}}, and of `presence_diff`, {"joins": {…},
// "leaves": {…}}. A member that replaces another has the ref of that one as "phx_ref_prev".
std::string presence_payload(const PresenceState &state);
std::string presence_payload(const PresenceDiff &diff);

// Origin of a broadcast that came from the database.
struct Meta {
  std::string_view id;   // position; empty: none
  bool replayed = false; // sent again after a join
};

// A broadcast between clients as a text message: all that was sent, but `meta`, which is what the server says of it.
void append_broadcast(std::string &out, Version version, std::string_view topic, const Broadcast &broadcast);

// {"type":"broadcast","event":event,"payload":payload,"meta":…} as a text message: what every client understands.
void append_broadcast(std::string &out, Version version, std::string_view topic, std::string_view event,
                      std::string_view payload, Meta meta = {});

// A kind 4 binary frame, for binary payloads and v2 only: stock `phoenix` clients fail on it. False, and nothing
// appended, when topic or event have more than 255 bytes.
bool append_binary_broadcast(std::string &out, std::string_view topic, std::string_view event, std::string_view payload,
                             Meta meta = {});

// `phx_close`: the channel has ended and the client does not rejoin.
void append_close(std::string &out, Version version, std::string_view join_ref, std::string_view topic);

// `phx_error`: the channel was lost and the client rejoins.
void append_error(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                  std::string_view reason);

// `system` {extension, status, message, channel}; `channel` is the topic without its prefix.
void append_system(std::string &out, Version version, std::string_view join_ref, std::string_view topic, Status status,
                   std::string_view message, std::string_view extension = "system");

} // namespace pg_live::phoenix
