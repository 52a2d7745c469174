// Handles and answers the messages of one client: joins, leaves, tokens, broadcasts, commands.
// Invariants: an invalid message is answered with an error and affects nothing else; a late answer of the database is
// dropped if its channel has ended.
#pragma once

#include "channel/channel.hpp"
#include "conversation/conversation_services.hpp"
#include "conversation/early_messages.hpp"
#include "conversation/push_command.hpp"
#include "wire/codec.hpp"

#include <chrono>
#include <forward_list>
#include <memory>
#include <string_view>
#include <vector>

namespace pg_live {

class Conversation final : public Channels {
 public:
  Conversation(ConversationServices &services, Client &client, ClaimsRef claims, const Codec &codec);
  ~Conversation() override;
  Conversation(const Conversation &) = delete;
  Conversation &operator=(const Conversation &) = delete;

  const Codec &codec() const { return codec_; }

  // Handles one whole message of the client.
  void handle(websocket::Opcode opcode, std::string_view frame);

  // Answers a message with an error, under its own topic and refs. `frame`: all of it, or its beginning.
  void refuse(websocket::Opcode opcode, std::string_view frame, const Refusal &refusal);

  // Leaves every topic without a message to the client.
  void end();
  bool is_empty() const { return channels_.empty(); }
  const ClaimsRef &claims() const { return claims_; } // of the connection's own token

  // Valid claims of that user, from the connection's own token or from a channel's; null if there are none.
  ClaimsRef claims_of(std::string_view user_id) const;

  // Valid claims of any user, from a channel's token; null if there are none.
  ClaimsRef claims_of_any_user() const;

  // Tracks the members of the channels and enters their sessions again, for another connection id or user.
  void check_presence();

  // Closes the channels whose token has expired or was revoked.
  void check_tokens();
  std::chrono::sys_seconds next_expiry() const;

  Channel *find(ChannelId id) const override;
  void remove(ChannelId id) override;
  void revoke(ChannelId id) override;
  void check_again(ChannelId id) override;
  void end_for_rejoin(ChannelId id, std::string_view reason) override;
  void handle_early(ChannelId id) override;
  void give_up_join(ChannelId id) override;
  bool had_state_lately(std::string_view wire_topic) const override;

 private:
  Channel *find(std::string_view wire_topic) const;
  void run_command(Channel &channel, const CommandEntry &command, const Message &message);
  bool resumes_ = false; // the next message is one that waited for its token
  // What a message says of who sends it.
  struct Credentials {
    std::optional<JoinOptions> join;     // of a join
    std::optional<TokenResult> verified; // of the token in the message, if there is one
  };
  std::optional<Credentials> credentials_of(const Message &message, websocket::Opcode opcode, std::string_view frame);
  void defer(const Message &message, websocket::Opcode opcode, std::string_view frame);
  void handle_deferred();
  void dispatch(Channel &channel, const Message &message, const Credentials &credentials);
  void buffer(const Channel &channel, const Message &message, websocket::Opcode opcode, std::string_view frame);
  std::vector<EarlyMessage> pop_early(ChannelId id);
  void join(const Message &message, const Credentials &credentials);
  void leave(Channel &channel, const Message &message);
  void replace_token(Channel &channel, const Credentials &credentials);
  void close_channel(ChannelId id, std::string_view reason);

  // Why the join may not go on, or nothing.
  std::optional<Refusal> refusal_of_join(const Message &message);
  void reply(const Message &message, Status status, std::string_view response);
  void reply_error(const Message &message, const Refusal &refusal);

  ConversationServices &services_;
  Client &client_;
  ClaimsRef claims_;
  const Codec &codec_;
  std::uint32_t last_channel_ = 0;
  std::unique_ptr<EarlyMessages> early_;     // null: none
  std::shared_ptr<EarlyMessages> deferred_;  // behind a token that cannot be verified yet: all messages; null: none
  std::unique_ptr<PushedCommands> commands_; // null until the client pushes a command
  std::vector<std::unique_ptr<Channel>> channels_; // few: searched in order
  struct Left {
    std::string wire_topic;
    std::chrono::seconds at;
  };
  std::forward_list<Left> left_; // channels with presence, left within kInFlight
};

} // namespace pg_live
