// Giving pushed commands to the database, and their answers to the client.
#include "conversation/push_command.hpp"

#include "api/client_error.hpp"
#include "api/command_arguments.hpp"
#include "connection/connection.hpp"
#include "conversation/typing.hpp"
#include "presence/presence.hpp"
#include "text/json.hpp"
#include "wire/topic_name.hpp"

#include <optional>
#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kTypingTopic = "typing:";
constexpr std::size_t kLongestLocation = kTopicNameBytes - kTypingTopic.size();

struct Answer {
  phoenix::Status status = phoenix::Status::ok;
  std::string response;
};

using Answered = std::function<void(Conversation &, const Answer &)>;

void send(const Conversation &conversation, const Asker &asker, const Answer &answer) {
  if (Channel *channel = conversation.find(asker.channel)) channel->reply(asker.ref, answer.status, answer.response);
}

// Asks the database; `answered` is called if the connection is still there then.
void ask(Services &services, const Channel &channel, const CommandEntry &entry, std::string_view arguments,
         Answered answered) {
  Connection &connection = channel.connection();
  Command command;
  command.claims = channel.claims();
  command.sql = entry.sql;
  command.parameters = {std::string(arguments), std::string(channel.topic()), connection.presence_id().text()};
  command.asker = connection.weak_from_this();
  command.give_up = services.loop.now() + services.database.patience();
  command.done = [holder = connection.weak_from_this(), signed_in = !channel.claims()->user_id.empty(), &entry,
                  &services, answered = std::move(answered)](const CommandResult &result) {
    const auto asking = holder.lock();
    if (!asking) return;
    if (!result.error)
      return answered(asking->conversation(), {phoenix::Status::ok, std::string(result.rows.text(0, 0))});
    const ClientError error = client_error(services.log, entry.event, *result.error, signed_in);
    answered(asking->conversation(), {phoenix::Status::error, error_object("reason", error.told)});
  };
  // Also what only reads: it keeps its place among the writes of its connection. What is said of the connection waits
  // until the database knows it.
  const std::uint64_t give_up = command.give_up;
  services.presence.when_told(
      connection.presence_id(), channel.claims()->user_id, give_up,
      [command = std::move(command), &services](const std::optional<DatabaseError> &error) mutable {
        if (error) return command.done({{}, error});
        services.database.write(std::move(command));
      });
}

struct Typing {
  std::string location;
  bool starts = true; // false also for what is no boolean: that is for the database to judge
};

// Nothing when it cannot succeed, so that nothing of it need be remembered.
std::optional<Typing> typing_of(const Channel &channel, std::string_view arguments) {
  const auto object = json::parse(arguments);
  if (!object) return std::nullopt;
  Typing typing;
  const auto is_typing = json::member(*object, "is_typing");
  typing.starts = !is_typing || is_typing->raw == "true" || is_typing->kind == json::Kind::null;
  const auto location = json::member(*object, "location");
  if (location && location->kind != json::Kind::null) {
    if (!json::unescape(*location, typing.location)) return std::nullopt;
  } else {
    const std::string_view topic = channel.topic();
    typing.location = topic.substr(topic.starts_with(kTypingTopic) ? kTypingTopic.size() : 0);
  }
  if (typing.location.size() > kLongestLocation) return std::nullopt;
  return typing;
}

void begin_typing(Services &services, const Channel &channel, const CommandEntry &entry, std::string_view arguments,
                  const std::string &location, std::optional<Asker> asker) {
  const TypingCallRef call = channel.connection().conversation().typing_calls().begin(channel.claims()->user_id,
                                                                                      location, services.loop.now());
  if (asker) call->askers.push_back(std::move(*asker));
  ask(services, channel, entry, arguments, [call](Conversation &conversation, const Answer &answer) {
    call->answered = true;
    if (answer.status != phoenix::Status::ok) conversation.typing_calls().forget(call->user_id, call->location);
    for (const Asker &each : std::exchange(call->askers, {}))
      send(conversation, each, answer);
  });
}

// Goes to the database later if it only repeats what the database was told a moment ago.
void run_typing(Services &services, Channel &channel, const CommandEntry &entry, std::string_view arguments,
                const Typing &typing, Asker asker) {
  Conversation &conversation = channel.connection().conversation();
  const TypingCallRef repeated =
      conversation.typing_calls().find(channel.claims()->user_id, typing.location, services.loop.now());
  if (!repeated) return begin_typing(services, channel, entry, arguments, typing.location, std::move(asker));
  repeated->repeat = {channel.id(), std::string(arguments)};
  conversation.repeat_typing_later();
  if (!repeated->answered) return repeated->askers.push_back(std::move(asker));
  send(conversation, asker, {});
}

bool says_inactive(std::string_view arguments) {
  const auto object = json::parse(arguments);
  const auto active = object ? json::member(*object, "active") : std::nullopt;
  return active && active->raw == "false";
}

} // namespace

void repeat_typing(Services &services, Conversation &conversation) {
  for (const TypingCallRef &call : conversation.typing_calls().take_due(services.loop.now())) {
    const Channel *channel = conversation.find(call->repeat->channel);
    if (channel != nullptr && channel->claims()->user_id == call->user_id)
      begin_typing(services, *channel, *command_of_event(kTypingEvent), call->repeat->arguments, call->location,
                   std::nullopt);
  }
}

void run_pushed_command(Services &services, Channel &channel, const CommandEntry &entry,
                        const phoenix::Message &message) {
  Asker asker{channel.id(), message.ref};
  const bool is_json = message.encoding == phoenix::Encoding::json;
  const auto arguments = is_json ? arguments_of_push(entry.event, message.payload) : std::nullopt;
  if (!arguments)
    return channel.reply(message.ref, phoenix::Status::error,
                         error_object("reason", {"22023", "the payload must be a JSON object", ""}));
  if (const auto error = argument_error(entry, {json::Kind::object, *arguments}, ArgumentSource::push))
    return channel.reply(message.ref, phoenix::Status::error, error_object("reason", *error));
  if (entry.event == kTypingEvent) {
    const auto typing = typing_of(channel, *arguments);
    if (typing && typing->starts) return run_typing(services, channel, entry, *arguments, *typing, std::move(asker));
    if (typing) channel.connection().conversation().typing_calls().forget(channel.claims()->user_id, typing->location);
  }
  Connection &connection = channel.connection();
  // Whoever went offline with the socket open comes back by saying how to be shown.
  if (entry.event == kPresenceEvent) connection.resume_presence();
  if (entry.event == kHeartbeatEvent && says_inactive(*arguments)) connection.note_idle();
  ask(services, channel, entry, *arguments,
      [asker = std::move(asker)](Conversation &conversation, const Answer &answer) {
        send(conversation, asker, answer);
      });
}

} // namespace pg_live
