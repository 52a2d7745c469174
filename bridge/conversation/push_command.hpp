// The commands that a client pushes on its channels. Each runs as the channel's user and is answered with the result of
// its function. Invariants: commands of one connection reach the database in the order they arrived, but for edits and
// cursors, which are gathered with those of others; an answer for a channel that has ended is dropped.
#pragma once

#include "api/commands.hpp"
#include "channel/channel.hpp"
#include "conversation/conversation_services.hpp"
#include "conversation/typing.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

class PushedCommands {
 public:
  // Must not outlive the client.
  PushedCommands(ConversationServices &services, Client &client) : services_(services), client_(client) {}
  PushedCommands(const PushedCommands &) = delete;
  PushedCommands &operator=(const PushedCommands &) = delete;

  void run(Channel &channel, const CommandEntry &entry, const Message &message);

 private:
  struct Answer {
    Status status = Status::ok;
    std::string response;
  };
  using Outcome = std::function<void(std::string_view response, const std::optional<DatabaseError> &)>;
  struct Typing {
    std::string location;
    bool starts = true; // false also if is_typing is not a boolean: the database decides about that
  };

  Outcome outcome(const Channel &channel, std::string_view event, std::function<void(const Answer &)> answered);
  Outcome outcome(const Channel &channel, std::string_view event, Asker asker);
  void ask(const Channel &channel, const CommandEntry &entry, std::string_view arguments,
           std::function<void(const Answer &)> answered);
  void send(const Asker &asker, const Answer &answer);
  void run_edit(const Channel &channel, const Uuid &session, std::string_view arguments, Asker asker);
  void run_cursor(const Channel &channel, const Uuid &session, std::string_view arguments, Asker asker);

  static std::optional<Typing> typing_of(const Channel &channel, std::string_view arguments);
  void begin_typing(const Channel &channel, const CommandEntry &entry, std::string_view arguments,
                    const std::string &location, std::optional<Asker> asker);
  void run_typing(const Channel &channel, const CommandEntry &entry, std::string_view arguments, const Typing &typing,
                  Asker asker);
  TypingCalls &typing_calls();
  void repeat_typing();
  void repeat_typing_later();

  ConversationServices &services_;
  Client &client_;
  std::unique_ptr<TypingCalls> typing_calls_; // created on first use, like its timer: few connections type
  std::unique_ptr<LoopTimer> typing_timer_;
};

} // namespace pg_live
