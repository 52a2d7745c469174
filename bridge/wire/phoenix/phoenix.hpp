// The wire format of Phoenix Channels as Supabase Realtime speaks it: serializers 1.0.0 (objects) and 2.0.0 (arrays and
// binary frames). A codec only: it knows neither connections nor topics' rules.
//
// Invariant: payloads pass through as the bytes they came in, after validation; refs are echoed verbatim. Every encoder
// appends one whole message whose payload is never null (a null payload crashes known clients).
#pragma once

#include "text/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live::phoenix {

enum class Version : unsigned char { v1, v2 };

/// From the query argument `vsn`: "" and "1.0.0" are v1, "2.0.0" is v2, nothing for others.
std::optional<Version> version_of(std::string_view vsn);

/// What realtime-js puts before each topic.
inline constexpr std::string_view kTopicPrefix = "realtime:";

/// "realtime:room:1" → "room:1"; other topics unchanged.
std::string_view without_prefix(std::string_view wire_topic);

enum class Encoding : unsigned char { binary = 0, json = 1 };

/// What a broadcast carries, whichever frame it came in.
struct Broadcast {
  std::string event;        // the app's event, such as "cursor"; empty when it has none that is a string
  std::string_view payload; // JSON text, or any bytes when encoding is binary
  Encoding encoding = Encoding::json;
  std::string_view metadata = {}; // JSON object of a binary frame, or empty
  std::string_view object = {};   // of a text frame: all that was sent, a JSON object
};

/// Whether the broadcast asks to be kept: `persist` of a text frame, or of the metadata of a binary one. Nothing when
/// the value says neither.
std::optional<bool> wants_to_persist(const Broadcast &broadcast);

/// A boolean as clients write it: also as a string, Python's as "True". Null and a missing one are false; nothing for
/// any other value.
std::optional<bool> lenient_boolean(const std::optional<json::Value> &value);

/// The same of `persist`, which may also be an object with a time to live: what is kept is kept for as long as events
/// are.
std::optional<bool> persistence(const std::optional<json::Value> &value);

/// A message from a client. The views point into the frame it was decoded from.
struct Message {
  std::string join_ref; // JSON text: a string, a number or null
  std::string ref;      // the same
  std::string topic;    // as on the wire
  std::string event;
  std::string_view payload; // JSON text; any bytes when encoding is binary
  Encoding encoding = Encoding::json;
  std::optional<Broadcast> broadcast; // set when event is "broadcast" and the payload is one
};

/// Decodes a text frame. Without a message, `error` (when given) says why, in lower case.
std::optional<Message> decode_text(Version version, std::string_view frame, std::string *error = nullptr);

/// Decodes a binary frame: kind 3 (a broadcast) or kind 0 (a push with binary payload). Both exist in v2 only.
std::optional<Message> decode_binary(std::string_view frame, std::string *error = nullptr);

/// Where a message belongs, as JSON text in the message itself: what an answer to it needs.
struct Envelope {
  std::string join_ref = "null";
  std::string ref = "null";
  std::string topic; // a JSON string; empty: unknown
};

/// Reads the envelope of a frame that may hold no message at all: one that cannot be stored, or only its beginning.
Envelope envelope_of(Version version, std::string_view frame);
Envelope envelope_of_binary(std::string_view frame);

/// What a phx_join asks for. Clients differ widely, so most of what is not understood has its default; where that would
/// be the opposite of what was asked for, the join cannot be done.
struct JoinOptions {
  std::string refusal;           // why it cannot be done as it was asked for; empty: it can
  std::string_view refusal_code; // the SQLSTATE of that
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool wants_replay = false;                // config.broadcast.replay is there
  std::optional<std::int64_t> replay_since; // milliseconds since 1970
  std::optional<std::int64_t> replay_limit; // events
  bool asks_when_ready = false;             // config.broadcast.replication_ready
  bool presence_enabled = false;            // also when config.presence is an object that does not say
  std::string presence_key;                 // empty: the server chooses
  bool is_private = false;
  std::string resume;                       // position to resume after, as sent; empty: none
  std::string_view postgres_changes = "[]"; // the array as sent, when it asks for nothing; views into the payload
  std::optional<std::string> access_token;  // nothing: keep the connection's token
  bool is_of_supabase = false; // made by a client of Supabase's: those name the changes they want, be it none
};

/// Reads the payload of a phx_join (JSON text from a decoded Message).
JoinOptions parse_join(std::string_view payload);

/// The token of an `access_token` message or a join; nothing when it is absent, null or an API key ("sb_…"), which mean
/// "keep the token". An empty token is a token, and a bad one.
std::optional<std::string> parse_access_token(std::string_view payload);

struct PresenceCommand {
  enum class Action : unsigned char { track, untrack } action = Action::track;
  std::string_view payload; // JSON text, "{}" when absent; must be an object to be tracked: see is_object
  bool is_object = true;
};

/// Reads the payload of a `presence` message; nothing when it is neither track nor untrack (case does not matter).
std::optional<PresenceCommand> parse_presence(std::string_view payload);

// Encoders. `join_ref` and `ref` are JSON text as in Message (empty means null); `topic` and `event` are plain text and
// are quoted here; `payload` and `response` are JSON text, pasted unread (empty or null becomes {}).

enum class Status : unsigned char { ok, error };

/// `phx_reply`, also to heartbeats (topic "phoenix").
void append_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                  std::string_view topic, Status status, std::string_view response);

/// An error reply {"reason": reason, "code": sqlstate}, without a code when it is empty.
void append_error_reply(std::string &out, Version version, std::string_view join_ref, std::string_view ref,
                        std::string_view topic, std::string_view reason, std::string_view sqlstate = {});

/// The same to a message that could not be read. The topic "phoenix" when the envelope has none.
void append_error_reply(std::string &out, Version version, const Envelope &to, std::string_view reason,
                        std::string_view sqlstate);

/// A message from the server: presence_state, presence_diff, the app's own.
void append_push(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                 std::string_view event, std::string_view payload);

/// Origin of a broadcast that came from the database.
struct Meta {
  std::string_view id;   // position; empty: none
  bool replayed = false; // sent again after a join
};

/// A broadcast between clients as a text message: all that was sent, but `meta`, which is what the server says of it.
void append_broadcast(std::string &out, Version version, std::string_view topic, const Broadcast &broadcast);

/// {"type":"broadcast","event":event,"payload":payload,"meta":…} as a text message: what every client understands.
void append_broadcast(std::string &out, Version version, std::string_view topic, std::string_view event,
                      std::string_view payload, Meta meta = {});

/// A kind 4 binary frame, for binary payloads and v2 only: stock `phoenix` clients fail on it. False, and nothing
/// appended, when topic or event have more than 255 bytes.
bool append_binary_broadcast(std::string &out, std::string_view topic, std::string_view event, std::string_view payload,
                             Meta meta = {});

/// `phx_close`: the channel has ended and the client does not rejoin.
void append_close(std::string &out, Version version, std::string_view join_ref, std::string_view topic);

/// `phx_error`: the channel was lost and the client rejoins.
void append_error(std::string &out, Version version, std::string_view join_ref, std::string_view topic,
                  std::string_view reason);

/// `system` {extension, status, message, channel}; `channel` is the topic without its prefix.
void append_system(std::string &out, Version version, std::string_view join_ref, std::string_view topic, Status status,
                   std::string_view message, std::string_view extension = "system");

} // namespace pg_live::phoenix
