// What clients say, in the words of no protocol: a codec makes these of frames.
//
// Invariant: payloads are the bytes that came, after validation; refs are what the client wrote, and are given back as
// they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

enum class Encoding : unsigned char { binary = 0, json = 1 };

/// What a broadcast carries, whichever frame it came in.
struct Broadcast {
  std::string event;        // the app's event, such as "cursor"; empty when it has none that is a string
  std::string_view payload; // JSON text, or any bytes when encoding is binary
  Encoding encoding = Encoding::json;
  std::string_view metadata = {}; // JSON object of a binary frame, or empty
  std::string_view object = {};   // of a text frame: all that was sent, a JSON object
};

enum class MessageKind : unsigned char {
  command, // of the app, named by its event; or an event that nobody knows
  join,
  leave,
  access_token, // a fresh token for the channel
  broadcast,
  presence,
  sign_of_life, // about no topic
  unknown,      // about no topic, and no sign of life
};

/// A message from a client. The views point into the frame it was decoded from.
struct Message {
  std::string join_ref; // names the join of the channel; as the client wrote it
  std::string ref;      // names the message, for the answer to it; the same
  std::string topic;    // as on the wire
  std::string event;
  std::string_view payload; // JSON text; any bytes when encoding is binary
  MessageKind kind = MessageKind::command;
  Encoding encoding = Encoding::json;
  std::optional<Broadcast> broadcast; // set when it is one and the payload is one
};

/// Where a message belongs, as JSON text in the message itself: what an answer to it needs.
struct Envelope {
  std::string join_ref = "null";
  std::string ref = "null";
  std::string topic; // a JSON string; empty: unknown
};

/// What a join asks for. Clients differ widely, so most of what is not understood has its default; where that would be
/// the opposite of what was asked for, the join cannot be done.
struct JoinOptions {
  std::string refusal;           // why it cannot be done as it was asked for; empty: it can
  std::string_view refusal_code; // the SQLSTATE of that
  bool broadcast_self = false;
  bool broadcast_ack = false;
  bool wants_replay = false;
  std::optional<std::int64_t> replay_since; // milliseconds since 1970
  std::optional<std::int64_t> replay_limit; // events
  bool asks_when_ready = false;             // to be told when the channel follows the database
  bool presence_enabled = false;
  std::string presence_key; // empty: the server chooses
  bool is_private = false;
  std::string resume;                      // position to resume after, as sent; empty: none
  std::optional<std::string> access_token; // nothing: keep the connection's token
  bool takes_binary = false;               // the client understands binary broadcasts
  std::string response = "{}";             // JSON object with what the protocol says to a join that succeeds
};

struct PresenceCommand {
  enum class Action : unsigned char { track, untrack } action = Action::track;
  std::string_view payload; // JSON text, "{}" when absent; must be an object to be tracked: see is_object
  bool is_object = true;
};

} // namespace pg_live
