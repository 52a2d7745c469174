// Binary frames: what is decoded is text where text is promised, and a broadcast can be sent on in both forms.
#include "wire/phoenix/phoenix.hpp"

#include "fuzz.hpp"
#include "text/json.hpp"
#include "text/utf8.hpp"

using namespace pg_live;
using namespace pg_live::phoenix;
using fuzz::require;

extern "C" int fuzz_phoenix_binary(const unsigned char *data, std::size_t size) {
  std::string error;
  std::string refused;
  append_error_reply(refused, Version::v2, envelope_of_binary(fuzz::view(data, size)), {"refused", "22P02"});
  require(decode_text(Version::v2, refused).has_value());
  const auto message = decode_binary(fuzz::view(data, size), &error);
  require(message.has_value() == error.empty());
  if (!message) return 0;
  require(is_utf8(message->topic) && is_utf8(message->event));
  require(json::parse(message->ref).has_value() && json::parse(message->join_ref).has_value());
  if (!message->broadcast) return 0;
  const Broadcast &broadcast = *message->broadcast;
  require(is_utf8(broadcast.event));
  std::string binary;
  require(append_binary_broadcast(binary, message->topic, broadcast.event, broadcast.payload));
  require(binary.ends_with(broadcast.payload));
  if (broadcast.encoding != Encoding::json) return 0;
  require(json::parse(broadcast.payload).has_value());
  for (const Version version : {Version::v1, Version::v2}) {
    std::string text;
    append_broadcast(text, version, message->topic, broadcast.event, broadcast.payload, {.id = "1-2"});
    const auto again = decode_text(version, text, &error);
    if (!again) { // two levels deeper than what came
      require(error.starts_with("nested too deeply"));
      continue;
    }
    require(again->topic == message->topic && again->broadcast && again->broadcast->event == broadcast.event &&
            again->broadcast->payload == broadcast.payload);
  }
  return 0;
}
