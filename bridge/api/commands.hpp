// The commands of clients: which SQL function answers which push on a channel and which HTTP request. One table;
// another command is another entry of it, in commands.cpp.
//
// Invariant: every command is bound to the same three parameters: $1 its arguments, a JSON object (of strings, when
// they come from a query); $2 the topic of the channel, $3 the presence id of the connection, both NULL over HTTP. It
// returns one column: JSON text, pasted into the answer unread, or an empty text when there is nothing to say. Of a
// page it returns two more: the cursors from which the next page goes on and the one before it goes back, NULL for
// none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_live {

enum class CommandKind : unsigned char {
  read,
  page, // a read
  write,
  create, // a write that HTTP answers with 201
};

enum class ArgumentKind : unsigned char {
  text,
  texts,
  other, // the database says what it makes of the JSON
};

enum class ArgumentEffect : unsigned char {
  none,
  narrows, // without it the command is about more, or for more people
};

struct Parameter {
  std::string_view name;
  ArgumentKind kind = ArgumentKind::other;
  ArgumentEffect effect = ArgumentEffect::none;
};

struct CommandEntry {
  std::string_view event;  // of a push; empty: not over WebSockets
  std::string_view method; // of an HTTP request; empty: not over HTTP
  std::string_view path;   // after the prefix /realtime/v1, which may be there or not
  std::string_view sql;
  std::span<const Parameter> parameters; // which arguments it takes
  CommandKind kind = CommandKind::write;
};

inline constexpr std::string_view kTypingEvent = "typing:indicator";
inline constexpr std::string_view kHeartbeatEvent = "heartbeat";
inline constexpr std::string_view kPresenceEvent = "presence:update";

/// The command that a push of this event gives; null when it gives none.
const CommandEntry *command_of_event(std::string_view event);

/// The command that a request gives; null when it gives none. HEAD is answered as GET is.
const CommandEntry *command_of_request(std::string_view method, std::string_view path);

/// The methods that a path takes, as the header Allow lists them; empty when it is the path of no command.
std::string methods_of_path(std::string_view path);

/// The arguments in the payload of a push: the payload itself, or its member "payload" when its member "type" is the
/// event, which is what realtime-js sends for channel.send({type, payload}). Nothing when they are no JSON object.
std::optional<std::string_view> arguments_of_push(std::string_view event, std::string_view payload);

} // namespace pg_live
