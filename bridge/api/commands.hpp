// The commands of clients: the SQL function for each push on a channel and each HTTP request. A new command is a new
// entry of the table in commands.cpp.
//
// Invariant: every command is bound to the same three parameters: $1 its arguments, a JSON object (of strings, when
// they come from a query); $2 the location of the channel (location_of() its topic), $3 the presence id of the
// connection, both NULL over HTTP. It returns one column: JSON text, copied into the answer unparsed, or an empty text
// for an answer without a body. A page has two more: the cursors of the next and of the previous page, NULL for none. A
// read has the position of its state in a last column. The column of a write that has a `state` is $1 of the read that
// follows it, whose result is the answer: a transaction that has written has no position.
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
  other, // any JSON: the database validates it
};

enum class ArgumentEffect : unsigned char {
  none,
  narrows, // without it the command affects more rows, or more users see the result
};

struct Parameter {
  std::string_view name;
  ArgumentKind kind = ArgumentKind::other;
  ArgumentEffect effect = ArgumentEffect::none;
};

struct CommandEntry {
  std::string_view event;   // of a push; empty: not over WebSockets
  std::string_view method;  // of an HTTP request; empty: not over HTTP
  std::string_view path;    // after the prefix /realtime/v1, which may be there or not
  std::string_view summary; // what it does, for who reads the description of the HTTP API
  std::string_view sql;
  std::span<const Parameter> parameters; // which arguments it takes
  CommandKind kind = CommandKind::write;
  std::string_view state{}; // of a write: reads the state that it led to; empty: its own result is the answer

  // In metrics.
  std::string_view name() const { return event.empty() ? path : event; }
};

inline constexpr std::string_view kTypingEvent = "typing:indicator";
inline constexpr std::string_view kHeartbeatEvent = "heartbeat";
inline constexpr std::string_view kPresenceEvent = "presence:update";
inline constexpr std::string_view kEditEvent = "collab:edit";
inline constexpr std::string_view kCursorEvent = "collab:cursor";

// All of them.
std::span<const CommandEntry> commands();

// The command of a push with this event; null if there is none.
const CommandEntry *command_of_event(std::string_view event);

// The command of a request; null if there is none. HEAD has the command of GET.
const CommandEntry *command_of_request(std::string_view method, std::string_view path);

// The methods of a path, as in the header Allow; empty if no command has the path.
std::string methods_of_path(std::string_view path);

// The arguments in the payload of a push: the payload itself, or its member "payload" when its member "type" is the
// event, which is what realtime-js sends for channel.send({type, payload}). Nothing when they are no JSON object.
std::optional<std::string_view> arguments_of_push(std::string_view event, std::string_view payload);

} // namespace pg_live
