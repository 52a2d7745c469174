// The interface of a protocol: it decodes messages of clients and encodes answers and events. Each protocol is a folder
// beside this file, which also reads its part of the handshake; only the admission of connections names one.
//
// Invariant: a codec has no state and lives as long as the program; it sees neither connections nor rules of topics.
#pragma once

#include "wire/live_event.hpp"
#include "wire/message.hpp"
#include "wire/presence_change.hpp"
#include "wire/websocket_frame.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pg_live {

enum class Status : unsigned char { ok, error };

// Whether an event is sent as it happens, or after a join to a client that missed it.
enum class Delivery : unsigned char { live, replayed };

// How a client names topics, such as "realtime:T" or "T". Each codec numbers its own namings.
enum class Naming : unsigned char {};

// The channel that a message is sent on, in the client's words.
struct Address {
  std::string_view join_ref;
  std::string_view topic;
};

// Why a frame could not be decoded.
struct BadMessage {
  std::string reason; // in lower case
  std::string_view sqlstate;
};

// Why a message of a client is refused, and when it may be sent again.
struct Refusal {
  std::string reason;
  std::string_view sqlstate;        // empty: none
  unsigned retry_after_seconds = 0; // 0: not said
};

class Codec {
 public:
  virtual ~Codec() = default;

  virtual std::variant<Message, BadMessage> decode(websocket::Opcode opcode, std::string_view frame) const = 0;

  // Reads the envelope of a frame that could not be decoded, or of which only the beginning has arrived.
  virtual Envelope envelope_of(websocket::Opcode opcode, std::string_view frame) const = 0;

  // Read messages of one kind. The token is nothing if the client keeps the one it has, the presence command if it is
  // neither track nor untrack, and wants_to_persist() if the value is not a boolean.
  virtual JoinOptions join_options(const Message &join) const = 0;
  virtual std::optional<std::string> access_token(const Message &message) const = 0;
  virtual std::optional<PresenceCommand> presence_command(const Message &message) const = 0;
  virtual std::optional<bool> wants_to_persist(const Broadcast &broadcast) const = 0;

  // The ref of the channel that a join creates, and whether a message is for the channel with that ref.
  virtual std::string_view channel_ref(const Message &join) const = 0;
  virtual bool is_for(const Message &message, std::string_view channel_ref) const = 0;

  // A topic on the wire ends with its name.
  virtual std::string_view topic_of(std::string_view wire_topic) const = 0;
  virtual Naming naming_of(std::string_view wire_topic) const = 0;
  virtual std::string wire_topic(Naming naming, std::string_view topic) const = 0;

  // Frames. `response` and `payload` are JSON text.
  virtual websocket::Frame reply(const Address &to, std::string_view ref, Status status,
                                 std::string_view response) const = 0;
  virtual websocket::Frame error_reply(const Address &to, std::string_view ref, const Refusal &refusal) const = 0;
  virtual websocket::Frame error_reply(const Envelope &to, const Refusal &refusal) const = 0;
  virtual websocket::Frame push(const Address &to, std::string_view event, std::string_view payload) const = 0;
  virtual websocket::Frame system(const Address &to, Status status, std::string_view message,
                                  std::string_view extension) const = 0;
  virtual websocket::Frame close(const Address &to) const = 0; // the client does not join again
  virtual websocket::Frame error(const Address &to, std::string_view reason) const = 0; // the client joins again

  // Who is there, and who came and left since.
  virtual websocket::Frame presence_state(Naming naming, std::string_view topic, const PresenceState &state) const = 0;
  virtual websocket::Frame presence_diff(Naming naming, std::string_view topic, const PresenceDiff &diff) const = 0;

  // A broadcast between clients; empty if this protocol cannot carry it.
  virtual websocket::Frame broadcast(Naming naming, std::string_view topic, const Broadcast &broadcast) const = 0;

  // Appends an event as a whole frame, so that several leave in one write.
  virtual void append_event(std::string &frames, Naming naming, const LiveEvent &event, Delivery delivery) const = 0;
};

// Channels with the same form are sent the same bytes.
struct WireForm {
  const Codec *codec;
  Naming naming;

  bool operator==(const WireForm &) const = default;
};

// One frame for each wire form, created on first use.
class SharedFrames {
 public:
  // The frame of the form, empty until the caller sets it. Valid until the next call with a new form.
  websocket::Frame &of(WireForm form) {
    for (auto &[known, frame] : frames_) // few
      if (known == form) return frame;
    return frames_.emplace_back(form, websocket::Frame()).second;
  }

 private:
  std::vector<std::pair<WireForm, websocket::Frame>> frames_;
};

} // namespace pg_live
