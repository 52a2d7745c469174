// A text message that is decoded can be sent back in either version and decodes to the same; nothing crashes the
// readers of its payload.
#include "wire/phoenix/phoenix.hpp"

#include "fuzz.hpp"
#include "text/json.hpp"

using namespace pg_live;
using namespace pg_live::phoenix;
using fuzz::require;

namespace {

void read_payloads(const Message &message) {
  const JoinOptions join = parse_join(message.payload);
  require(json::parse(join.response).has_value());
  parse_access_token(message.payload);
  if (const auto presence = parse_presence(message.payload)) require(json::parse(presence->payload).has_value());
  if (message.broadcast) require(json::parse(message.broadcast->payload).has_value());
  if (message.broadcast) wants_to_persist(*message.broadcast);
}

} // namespace

extern "C" int fuzz_phoenix_text(const unsigned char *data, std::size_t size) {
  const std::string_view frame = fuzz::view(data, size);
  for (const Version version : {Version::v1, Version::v2}) {
    std::string error;
    std::string refused;
    append_error_reply(refused, version, envelope_of(version, frame), {"refused", "22P02"});
    const auto message = decode_text(version, frame, &error);
    require(message.has_value() == error.empty());
    if (!message) continue;
    read_payloads(*message);
    for (const Version other : {Version::v1, Version::v2}) {
      std::string sent;
      append_push(sent, other, message->join_ref, message->topic, message->event, message->payload);
      const auto again = decode_text(other, sent);
      require(again.has_value());
      require(again->topic == message->topic && again->event == message->event);
      require(again->payload == (message->payload == "null" ? "{}" : message->payload));
      std::string reply;
      append_reply(reply, other, message->join_ref, message->ref, message->topic, Status::ok, message->payload);
      const auto echoed = decode_text(other, reply, &error);
      // A reply wraps the payload once more, so the deepest ones no longer fit.
      if (echoed)
        require(echoed->ref == message->ref);
      else
        require(error.starts_with("nested too deeply"));
    }
  }
  return 0;
}
