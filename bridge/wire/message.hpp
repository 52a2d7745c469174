// Messages of clients, independent of the protocol: a codec decodes frames into these.
//
// Invariant: payloads are the bytes received, after validation; refs are returned exactly as the client wrote them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

enum class Encoding : unsigned char { binary = 0, json = 1 };

// What a broadcast carries, whichever frame it came in.
struct Broadcast {
  std::string event;        // the app's event, such as "cursor"; empty when it has none that is a string
  std::string_view payload; // JSON text, or any bytes when encoding is binary
  Encoding encoding = Encoding::json;
  std::string_view metadata = {}; // JSON object of a binary frame, or empty
  std::string_view object = {};   // of a text frame: all that was sent, a JSON object
};

enum class MessageKind : unsigned char {
  command, // of the app, named by its event, which may be unknown
  join,
  leave,
  access_token, // a fresh token for the channel
  broadcast,
  presence,
  sign_of_life, // without a topic
  unknown,      // without a topic, and not a sign of life
};

// A message from a client. The views point into the frame it was decoded from.
struct Message {
  std::string join_ref; // names the join of the channel; as the client wrote it
  std::string ref;      // names the message, for the answer to it; the same
  std::string topic;    // as on the wire
  std::string event;
  std::string_view payload; // JSON text; any bytes when encoding is binary
  MessageKind kind = MessageKind::command;
  Encoding encoding = Encoding::json;
  std::optional<Broadcast> broadcast; // set if kind is broadcast and the payload is valid
};

// Refs and topic of a message, as JSON text: what an answer to it needs.
struct Envelope {
  std::string join_ref = "null";
  std::string ref = "null";
  std::string topic; // a JSON string; empty: unknown
};

// The options of a join. Clients differ widely, so most values that are not understood fall back to the default; where
// that could be the opposite of what the client asked for, the join is refused.
struct JoinOptions {
  std::string refusal;           // why the join is refused; empty: it is not
  std::string_view refusal_code; // SQLSTATE of the refusal
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool wants_replay = false;
  std::optional<std::int64_t> replay_since; // milliseconds since 1970
  std::optional<std::int64_t> replay_limit; // events
  bool asks_when_ready = false;             // asks for a message once the channel follows the database
  bool presence_enabled = false;
  std::string presence_key; // empty: the server chooses
  bool is_private = false;
  std::string resume;                      // position to resume after, as sent; empty: none
  std::optional<std::string> access_token; // nothing: keep the connection's token
  bool accepts_binary = false;             // the client understands binary broadcasts
  std::string response = "{}";             // JSON object: the protocol's response to a successful join
};

struct PresenceCommand {
  enum class Action : unsigned char { track, untrack } action = Action::track;
  std::string_view payload; // JSON text, "{}" when absent; can be tracked only if is_object
  bool is_object = true;
};

} // namespace pg_live
