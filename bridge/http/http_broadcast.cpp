// Sending the messages of a POST.
#include "http/http_broadcast.hpp"

#include "base/sqlstate.hpp"
#include "channel/hub.hpp"
#include "database/database.hpp"
#include "http/broadcast_request.hpp"
#include "text/json.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pg_live {

namespace {

// One transaction: a row a message, NULL where the message is for a room of clients, which is then told here.
constexpr std::string_view kSend = R"(
  select case when (said.message->>'may_be_public')::boolean and live_private.is_open_room(said.message->>'topic') then null
    else live.send(said.message->>'topic', said.message->>'event', said.message->'payload', (said.message->>'persists')::boolean)
    end
  from jsonb_array_elements($1::jsonb) as said (message))";

constexpr std::string_view kIsRoom = "select live_private.is_open_room($1)";

using Messages = std::vector<OutgoingBroadcast>;

bool may_be_public(const Services &services, const OutgoingBroadcast &message) {
  return services.settings.public_channels && !message.is_private;
}

HttpResponse accepted() {
  HttpResponse response;
  response.status = 202;
  return response;
}

HttpResponse no_bytes() {
  return error_response(415, "a topic of the database carries JSON only", sqlstate::kInvalidParameterValue);
}

std::string to_json(const Services &services, const Messages &messages) {
  std::string json = "[";
  for (const OutgoingBroadcast &message : messages) {
    json.append(json.size() > 1 ? ",{\"topic\":" : "{\"topic\":");
    json::append_quoted(json, message.topic);
    json.append(",\"event\":");
    json::append_quoted(json, message.event);
    json.append(",\"may_be_public\":").append(may_be_public(services, message) ? "true" : "false");
    json.append(",\"persists\":").append(message.persists ? "true" : "false");
    json.append(",\"payload\":").append(message.payload).append("}");
  }
  return json.append("]");
}

void tell_room(const Services &services, const OutgoingBroadcast &message) {
  services.hub.broadcast(message.topic,
                         {.event = message.event, .payload = message.payload, .encoding = message.encoding}, nullptr);
}

void send(Services &services, const ClaimsRef &claims, Messages messages, Respond respond) {
  Command command;
  command.claims = claims;
  command.sql = kSend;
  command.parameters = {to_json(services, messages)};
  command.done = [&services, messages = std::move(messages), signed_in = !is_anonymous(services.settings, *claims),
                  respond = std::move(respond)](const CommandResult &result) {
    if (result.error) return respond(error_response(client_error(services.log, "broadcast", *result.error, signed_in)));
    for (int row = 0; row < result.rows.count(); ++row)
      if (result.rows.text(row, 0).empty()) tell_room(services, messages[static_cast<std::size_t>(row)]);
    respond(accepted());
  };
  services.database.write(std::move(command));
}

void send_bytes(Services &services, const ClaimsRef &claims, OutgoingBroadcast message, Respond respond) {
  if (!may_be_public(services, message)) return respond(no_bytes());
  Command command;
  command.claims = claims;
  command.sql = kIsRoom;
  command.parameters = {message.topic};
  command.done = [&services, message = std::move(message), respond = std::move(respond)](const CommandResult &result) {
    if (result.error) return respond(error_response(client_error(services.log, "broadcast", *result.error, true)));
    if (!result.rows.is_true(0, 0)) return respond(no_bytes());
    tell_room(services, message);
    respond(accepted());
  };
  services.database.read(std::move(command));
}

} // namespace

void broadcast_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond) {
  auto read = read_broadcasts(request.head, request.body);
  if (const auto *bad = std::get_if<BadBroadcast>(&read))
    return respond(error_response(bad->status, bad->message, bad->sqlstate));
  Messages &messages = std::get<Messages>(read);
  if (std::any_of(messages.begin(), messages.end(), [&](const OutgoingBroadcast &message) {
        return message.persists && may_be_public(services, message);
      }))
    return respond(error_response(422, "a public channel keeps nothing: only a private message can persist",
                                  sqlstate::kInvalidParameterValue));
  if (messages.empty()) return respond(accepted());
  if (messages.front().encoding == Encoding::binary)
    return send_bytes(services, claims, std::move(messages.front()), std::move(respond));
  send(services, claims, std::move(messages), std::move(respond));
}

} // namespace pg_live
