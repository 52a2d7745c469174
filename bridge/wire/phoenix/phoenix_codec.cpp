// Putting the decoders and encoders together.
#include "wire/phoenix/phoenix_codec.hpp"

#include "base/sqlstate.hpp"
#include "wire/topic_name.hpp"

namespace pg_live::phoenix {

namespace {

constexpr Naming kPlain{0};
constexpr Naming kPrefixed{1};

websocket::Frame text(std::string_view message) { return {websocket::Opcode::text, message}; }

// Refs of a client: some write one ref as a string here and as a number there.
std::string_view without_quotes(std::string_view ref) {
  return ref.size() >= 2 && ref.front() == '"' ? ref.substr(1, ref.size() - 2) : ref;
}

class PhoenixCodec final : public Codec {
 public:
  constexpr explicit PhoenixCodec(Version version) : version_(version) {}

  std::variant<Message, BadMessage> decode(websocket::Opcode opcode, std::string_view frame) const override {
    const bool is_binary = opcode == websocket::Opcode::binary;
    if (is_binary && version_ == Version::v1)
      return BadMessage{"binary messages need serializer 2.0.0", sqlstate::kInvalidParameterValue};
    std::string error;
    auto message = is_binary ? decode_binary(frame, &error) : decode_text(version_, frame, &error);
    if (!message) return BadMessage{std::move(error), "22P02"};
    return std::move(*message);
  }

  Envelope envelope_of(websocket::Opcode opcode, std::string_view frame) const override {
    return opcode == websocket::Opcode::binary ? envelope_of_binary(frame) : phoenix::envelope_of(version_, frame);
  }

  JoinOptions join_options(const Message &join) const override { return parse_join(join.payload); }
  std::optional<std::string> access_token(const Message &message) const override {
    return parse_access_token(message.payload);
  }
  std::optional<PresenceCommand> presence_command(const Message &message) const override {
    return parse_presence(message.payload);
  }
  std::optional<bool> wants_to_persist(const Broadcast &broadcast) const override {
    return phoenix::wants_to_persist(broadcast);
  }

  // Old clients send no join_ref with a join: there it is the ref of the join itself.
  std::string_view channel_ref(const Message &join) const override {
    return join.join_ref.empty() || join.join_ref == "null" ? join.ref : join.join_ref;
  }
  bool is_for(const Message &message, std::string_view channel_ref) const override {
    return message.join_ref == "null" || without_quotes(message.join_ref) == without_quotes(channel_ref);
  }

  std::string_view topic_of(std::string_view wire_topic) const override { return without_prefix(wire_topic); }
  Naming naming_of(std::string_view wire_topic) const override {
    return wire_topic.starts_with(kTopicPrefix) ? kPrefixed : kPlain;
  }
  std::string wire_topic(Naming naming, std::string_view topic) const override {
    return naming == kPrefixed ? std::string(kTopicPrefix).append(topic) : std::string(topic);
  }

  websocket::Frame reply(const Address &to, std::string_view ref, Status status,
                         std::string_view response) const override {
    std::string message;
    append_reply(message, version_, to.join_ref, ref, to.topic, status, response);
    return text(message);
  }

  websocket::Frame error_reply(const Address &to, std::string_view ref, const Refusal &refusal) const override {
    std::string message;
    append_error_reply(message, version_, to.join_ref, ref, to.topic, refusal);
    return text(message);
  }

  websocket::Frame error_reply(const Envelope &to, const Refusal &refusal) const override {
    std::string message;
    append_error_reply(message, version_, to, refusal);
    return text(message);
  }

  websocket::Frame push(const Address &to, std::string_view event, std::string_view payload) const override {
    std::string message;
    append_push(message, version_, to.join_ref, to.topic, event, payload);
    return text(message);
  }

  websocket::Frame system(const Address &to, Status status, std::string_view said,
                          std::string_view extension) const override {
    std::string message;
    append_system(message, version_, to.join_ref, to.topic, status, said, extension);
    return text(message);
  }

  websocket::Frame close(const Address &to) const override {
    std::string message;
    append_close(message, version_, to.join_ref, to.topic);
    return text(message);
  }

  websocket::Frame error(const Address &to, std::string_view reason) const override {
    std::string message;
    append_error(message, version_, to.join_ref, to.topic, reason);
    return text(message);
  }

  websocket::Frame presence_state(Naming naming, std::string_view topic, const PresenceState &state) const override {
    return push({.join_ref = {}, .topic = wire_topic(naming, topic)}, "presence_state", presence_payload(state));
  }

  websocket::Frame presence_diff(Naming naming, std::string_view topic, const PresenceDiff &diff) const override {
    return push({.join_ref = {}, .topic = wire_topic(naming, topic)}, "presence_diff", presence_payload(diff));
  }

  websocket::Frame broadcast(Naming naming, std::string_view topic, const Broadcast &broadcast) const override {
    std::string message;
    if (broadcast.encoding == Encoding::json) {
      append_broadcast(message, version_, wire_topic(naming, topic), broadcast);
      return text(message);
    }
    if (version_ == Version::v1 ||
        !append_binary_broadcast(message, wire_topic(naming, topic), broadcast.event, broadcast.payload))
      return {};
    return {websocket::Opcode::binary, message};
  }

  void append_event(std::string &frames, Naming naming, const LiveEvent &event, Delivery delivery) const override {
    // A signal has no place in the stream to resume from, so it carries no position.
    const std::string position = event.durable ? format_position(event.position) : std::string();
    std::string message;
    append_broadcast(message, version_, wire_topic(naming, event.topic), event.event, event.payload,
                     {position, delivery == Delivery::replayed});
    websocket::append_frame_header(frames, websocket::Opcode::text, message.size());
    frames.append(message);
  }

 private:
  Version version_;
};

const PhoenixCodec kObjects(Version::v1);
const PhoenixCodec kArrays(Version::v2);

} // namespace

const Codec &codec_of(Version version) { return version == Version::v1 ? kObjects : kArrays; }

} // namespace pg_live::phoenix
