// Giving pushed commands to the database, and their answers to the client.
#include "conversation/push_command.hpp"

#include "api/client_error.hpp"
#include "api/command_arguments.hpp"
#include "api/run_command.hpp"
#include "base/sqlstate.hpp"
#include "text/json.hpp"
#include "wire/topic_name.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxLocationBytes = kMaxTopicNameBytes - kTypingPrefix.size();

std::optional<std::string> text_argument(std::string_view arguments, std::string_view name) {
  std::string text;
  const auto value = json::member({json::Kind::object, arguments}, name);
  if (!value || value->kind != json::Kind::string || !json::unescape(*value, text)) return std::nullopt;
  return text;
}

// The session that the arguments name, or else that of the channel; nothing if it is none.
std::optional<Uuid> session_of(const Channel &channel, std::string_view arguments) {
  const auto named = json::member({json::Kind::object, arguments}, "session_id");
  if (!named || named->kind == json::Kind::null) return session_of_topic(channel.topic());
  const auto text = text_argument(arguments, "session_id");
  return text ? Uuid::parse(*text) : std::nullopt;
}

bool says_inactive(std::string_view arguments) {
  const auto object = json::parse(arguments);
  const auto active = object ? json::member(*object, "active") : std::nullopt;
  return active && active->raw == "false";
}

// Whether jsonb holds the text, without which all cursors that are gathered with it would fail and be sent one by one.
bool may_be_gathered(std::string_view arguments) { return arguments.find("\\u0000") == std::string_view::npos; }

} // namespace

void PushedCommands::send(const Asker &asker, const Answer &answer) {
  if (Channel *channel = client_.channels().find(asker.channel))
    channel->reply(asker.ref, answer.status, answer.response);
}

// What passes the outcome of a command on as the answer to the client, if it is still connected then.
PushedCommands::Outcome PushedCommands::outcome(const Channel &channel, std::string_view event,
                                                std::function<void(const Answer &)> answered) {
  return [holder = client_.weak_from_this(), requester = requester_of(*channel.claims()), event, &log = services_.log,
          answered = std::move(answered)](std::string_view response, const std::optional<DatabaseError> &error) {
    const auto asking = holder.lock();
    if (!asking) return;
    if (!error) return answered({Status::ok, std::string(response)});
    answered({Status::error, error_object("reason", client_error(log, event, *error, requester).shown)});
  };
}

PushedCommands::Outcome PushedCommands::outcome(const Channel &channel, std::string_view event, Asker asker) {
  return outcome(channel, event, [this, asker = std::move(asker)](const Answer &answer) { send(asker, answer); });
}

// Runs the command; `answered` is called if the client is still connected then.
void PushedCommands::ask(const Channel &channel, const CommandEntry &entry, std::string_view arguments,
                         std::function<void(const Answer &)> answered) {
  Command command = channel.command(entry.sql, entry.name());
  command.parameters = {std::string(arguments), std::string(location_of(channel.topic())),
                        client_.presence_id().text()};
  command.asker = client_.weak_from_this();
  command.give_up = services_.loop.now() + services_.database.patience();
  command.done = [done = outcome(channel, entry.event, std::move(answered))](const CommandResult &result) {
    done(result.error ? std::string_view() : result.rows.text(0, 0), result.error);
  };
  // As a write even if it only reads, so that it keeps its place among the commands of its connection. It waits until
  // the database knows the connection.
  const std::uint64_t give_up = command.give_up;
  services_.presence.when_known(client_.presence_id(), channel.claims()->user_id, give_up,
                                [command = std::move(command), &entry,
                                 &database = services_.database](const std::optional<DatabaseError> &error) mutable {
                                  if (error) return command.done({{}, error});
                                  write_command(database, entry, std::move(command));
                                });
}

// Nothing if the command cannot succeed, and so has no repeats.
std::optional<PushedCommands::Typing> PushedCommands::typing_of(const Channel &channel, std::string_view arguments) {
  const auto object = json::parse(arguments);
  if (!object) return std::nullopt;
  Typing typing;
  const auto is_typing = json::member(*object, "is_typing");
  typing.starts = !is_typing || is_typing->raw == "true" || is_typing->kind == json::Kind::null;
  const auto location = json::member(*object, "location");
  if (location && location->kind != json::Kind::null) {
    if (!json::unescape(*location, typing.location)) return std::nullopt;
  } else {
    typing.location = location_of(channel.topic());
  }
  if (typing.location.size() > kMaxLocationBytes) return std::nullopt;
  return typing;
}

void PushedCommands::begin_typing(const Channel &channel, const CommandEntry &entry, std::string_view arguments,
                                  const std::string &location, std::optional<Asker> asker) {
  const TypingCallRef call = typing_calls().begin(channel.claims()->user_id, location, services_.loop.now());
  if (asker) call->askers.push_back(std::move(*asker));
  ask(channel, entry, arguments, [this, call](const Answer &answer) {
    call->answered = true;
    if (answer.status != Status::ok) typing_calls().forget(call->user_id, call->location);
    for (const Asker &each : std::exchange(call->askers, {}))
      send(each, answer);
  });
}

// Goes to the database later if it repeats a recent call.
void PushedCommands::run_typing(const Channel &channel, const CommandEntry &entry, std::string_view arguments,
                                const Typing &typing, Asker asker) {
  const TypingCallRef repeated = typing_calls().find(channel.claims()->user_id, typing.location, services_.loop.now());
  if (!repeated) return begin_typing(channel, entry, arguments, typing.location, std::move(asker));
  repeated->repeat = {channel.id(), std::string(arguments)};
  repeat_typing_later();
  if (!repeated->answered) return repeated->askers.push_back(std::move(asker));
  send(asker, {});
}

TypingCalls &PushedCommands::typing_calls() {
  if (!typing_calls_) typing_calls_ = std::make_unique<TypingCalls>();
  return *typing_calls_;
}

// Repeats the typing calls that are due.
void PushedCommands::repeat_typing() {
  for (const TypingCallRef &call : typing_calls().pop_due(services_.loop.now())) {
    const Channel *channel = client_.channels().find(call->repeat->channel);
    if (channel != nullptr && channel->claims()->user_id == call->user_id)
      begin_typing(*channel, *command_of_event(kTypingEvent), call->repeat->arguments, call->location, std::nullopt);
  }
}

void PushedCommands::repeat_typing_later() {
  const auto due = typing_calls().next_due();
  if (!due || (typing_timer_ && typing_timer_->running())) return;
  if (!typing_timer_)
    typing_timer_ = std::make_unique<LoopTimer>(services_.loop, [this] {
      repeat_typing();
      repeat_typing_later();
    });
  typing_timer_->start(Milliseconds{*due - std::min(*due, services_.loop.now())});
}

void PushedCommands::run_edit(const Channel &channel, const Uuid &session, std::string_view arguments, Asker asker) {
  Edit edit;
  edit.claims = channel.claims();
  edit.arguments = arguments;
  edit.asker = client_.weak_from_this();
  edit.give_up = services_.loop.now() + services_.database.patience();
  edit.done = outcome(channel, kEditEvent, std::move(asker));
  services_.edits.submit(session, std::move(edit));
}

void PushedCommands::run_cursor(const Channel &channel, const Uuid &session, std::string_view arguments, Asker asker) {
  CursorMove move;
  move.channel = channel.ref();
  move.connection = client_.presence_id();
  move.client_id = text_argument(arguments, "client_id").value_or(move.connection.text());
  const auto cursor = json::member({json::Kind::object, arguments}, "cursor");
  move.cursor = cursor ? cursor->raw : "null";
  move.answers.push_back(
      [done = outcome(channel, kCursorEvent, std::move(asker))](const auto &error) { done("", error); });
  services_.cursors.move(session, std::move(move));
}

void PushedCommands::run(Channel &channel, const CommandEntry &entry, const Message &message) {
  Asker asker{channel.id(), message.ref};
  const bool is_json = message.encoding == Encoding::json;
  const auto arguments = is_json ? arguments_of_push(entry.event, message.payload) : std::nullopt;
  if (!arguments)
    return channel.reply(
        message.ref, Status::error,
        error_object("reason", {sqlstate::kInvalidParameterValue, "the payload must be a JSON object", ""}));
  if (const auto error = argument_error(entry, {json::Kind::object, *arguments}, ArgumentSource::push))
    return channel.reply(message.ref, Status::error, error_object("reason", *error));
  if (entry.event == kTypingEvent) {
    const auto typing = typing_of(channel, *arguments);
    if (typing && typing->starts) return run_typing(channel, entry, *arguments, *typing, std::move(asker));
    if (typing) typing_calls().forget(channel.claims()->user_id, typing->location);
  }
  const auto session = session_of(channel, *arguments);
  // In another session, or without access to its topic, it is for the database to refuse.
  if (channel.attendance() != nullptr && session == session_of_topic(channel.topic())) {
    if (entry.event == kEditEvent) return run_edit(channel, *session, *arguments, std::move(asker));
    if (entry.event == kCursorEvent && may_be_gathered(*arguments))
      return run_cursor(channel, *session, *arguments, std::move(asker));
  }
  // A user who went offline with the socket open comes back by choosing a presence.
  if (entry.event == kPresenceEvent) client_.resume_presence();
  if (entry.event == kHeartbeatEvent && says_inactive(*arguments)) client_.note_idle();
  ask(channel, entry, *arguments, [this, asker = std::move(asker)](const Answer &answer) { send(asker, answer); });
}

} // namespace pg_live
