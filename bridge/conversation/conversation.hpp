// What one client says, and what it is answered: joins, leaves, tokens, broadcasts, commands.
// Invariants: a message that makes no sense gets an error and harms nobody else; what the database answers late is
// dropped if the channel it was for is gone.
#pragma once

#include "base/rate_limit.hpp"
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

  // One whole message of the client.
  void take(std::string_view message, bool binary);

  // Answers a message that is not taken, under its own topic and refs. `frame`: all of it, or its beginning.
  void refuse(std::string_view frame, bool binary, std::string_view reason, std::string_view sqlstate);

  // Leaves every topic without a word.
  void end() { channels_.clear(); }
  bool is_empty() const { return channels_.empty(); }
  const ClaimsRef &claims() const { return claims_; } // of the connection's own token

  // Claims of that user that are good still: of the connection's own token or of a channel's. Null: nobody speaks for
  // the user any more.
  ClaimsRef claims_of(std::string_view user_id) const;

  // Claims of any user that are good still, of a channel; null: there are none.
  ClaimsRef claims_of_somebody() const;

  // What the channels track belongs to another connection or user now.
  void check_presence();

  // Closes the channels whose token has expired.
  void expire_tokens();
  std::chrono::sys_seconds next_expiry() const;

  Channel *find(ChannelId id) const override;
  void remove(ChannelId id) override;
  void revoke(ChannelId id) override;
  void check_again(ChannelId id) override;
  void let_rejoin(ChannelId id, std::string_view reason) override;
  void take_early(ChannelId id) override;
  void give_up_join(ChannelId id) override;
  bool told_lately(std::string_view wire_topic) const override;

 private:
  Channel *find(std::string_view wire_topic) const;
  void run_command(Channel &channel, const CommandEntry &command, const Message &message);
  void take_for_channel(Channel &channel, const Message &message);
  void take_later(const Channel &channel, const Message &message, std::string_view text, bool binary);
  std::vector<EarlyMessage> early_of(ChannelId id);
  void join(const Message &message);
  void leave(Channel &channel, const Message &message);
  void replace_token(Channel &channel, const Message &message);
  void close_channel(ChannelId id, std::string_view reason);

  // Why the join may not go on, or nothing.
  struct Refusal {
    std::string reason;
    std::string_view sqlstate;
  };
  std::optional<Refusal> refusal_of(const Message &message);
  void reply(const Message &message, Status status, std::string_view response);
  void reply_error(const Message &message, std::string_view reason, std::string_view sqlstate = {});

  ConversationServices &services_;
  Client &client_;
  ClaimsRef claims_;
  const Codec &codec_;
  std::uint32_t last_channel_ = 0;
  TokenBucket joins_;
  std::unique_ptr<EarlyMessages> early_;           // null: none
  std::unique_ptr<PushedCommands> commands_;       // null: none yet, as of those who only listen
  std::vector<std::unique_ptr<Channel>> channels_; // few: searched in order
  struct Left {
    std::string wire_topic;
    std::chrono::seconds at;
  };
  std::forward_list<Left> left_; // channels that were told of presence, of the last seconds
};

} // namespace pg_live
