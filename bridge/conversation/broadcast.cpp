// Sends broadcasts of clients.
#include "conversation/broadcast.hpp"

#include "api/client_error.hpp"
#include "base/sqlstate.hpp"
#include "wire/topic_name.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kSend = "select live.send($1, $2, $3::jsonb, $4::boolean)";

// The error of a broadcast that is refused without asking the database; empty if it is asked. While an access check is
// on its way, perhaps for a new token, the database decides.
DatabaseError refusal_of(const Channel &channel, const Broadcast &broadcast) {
  if (!channel.access().can_send && !channel.checks_access())
    return {sqlstate::kInsufficientPrivilege,
            std::string("Unauthorized: You do not have permissions to write to this Channel topic: ")
                .append(channel.topic()),
            ""};
  if (broadcast.encoding != Encoding::json)
    return {sqlstate::kInvalidParameterValue,
            "binary payloads cannot be stored: a topic of the database carries JSON only", ""};
  if (!is_event_name(broadcast.event))
    return {sqlstate::kInvalidParameterValue, "the event must have 1 to 255 bytes and no control characters", ""};
  return {};
}

// Handles the answer of the database. The seam drops the event by its id if the client does not want it back.
void finish(Services &services, Channel &sender, const std::string &ref, const CommandResult &result) {
  if (result.error) {
    const ClientError error =
        client_error(services.log, "broadcast", *result.error, broadcaster_of(services.settings, *sender.claims()));
    sender.reply(ref, Status::error, error_object("reason", error.shown));
  } else if (sender.options().broadcast_ack) {
    sender.reply(ref, Status::ok, "{}");
  }
  if (sender.options().broadcast_self) return;
  std::optional<std::int64_t> event_id;
  if (!result.error && result.rows.count() == 1) event_id = result.rows.number(0, 0);
  sender.seam().end_own(event_id, sender.seam_output());
  sender.settle_seam();
  services.hub.flush();
}

// Every bridge receives the event from the stream, this one included.
void send_through_database(Services &services, Channel &channel, const Message &message, bool durable) {
  const Broadcast &broadcast = *message.broadcast;
  if (!channel.options().broadcast_self) channel.seam().begin_own();
  Command command = channel.command(kSend, "send");
  command.parameters = {std::string(channel.topic()), broadcast.event, std::string(broadcast.payload),
                        durable ? "true" : "false"};
  command.done = [sender = channel.ref(), ref = message.ref, &services](const CommandResult &result) {
    if (const auto found = sender.find()) finish(services, *found, ref, result);
  };
  services.database.write(std::move(command));
}

} // namespace

void handle_broadcast(Services &services, Channel &channel, const Message &message) {
  if (!message.broadcast)
    return channel.reply_error(message.ref, "a broadcast must be an object", sqlstate::kInvalidParameterValue);
  const auto persists = channel.client().codec().wants_to_persist(*message.broadcast);
  if (!persists)
    return channel.reply_error(message.ref, "persist must be true or false", sqlstate::kInvalidParameterValue);
  if (!channel.in_room()) {
    const DatabaseError refusal = refusal_of(channel, *message.broadcast);
    if (!refusal.sqlstate.empty()) return channel.reply(message.ref, Status::error, error_object("reason", refusal));
    return send_through_database(services, channel, message, *persists);
  }
  if (*persists)
    return channel.reply_error(message.ref, "a public channel keeps nothing: only a private one can persist",
                               sqlstate::kInvalidParameterValue);
  services.hub.broadcast(channel.topic(), *message.broadcast, channel.options().broadcast_self ? nullptr : &channel);
  if (channel.options().broadcast_ack) channel.reply(message.ref, Status::ok, "{}");
}

} // namespace pg_live
