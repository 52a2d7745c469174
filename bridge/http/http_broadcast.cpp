// Sending the messages of a POST.
#include "http/http_broadcast.hpp"

#include "base/sqlstate.hpp"
#include "channel/hub.hpp"
#include "database/database.hpp"
#include "http/broadcast_request.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pg_live {

namespace {

// All in one transaction, where kSend of a channel's broadcasts is for one: a row a message, NULL where the message is
// for a room of clients, which this process sends to.
constexpr std::string_view kSendAll = R"(
  select case when (said.message->>'may_be_in_room')::boolean and live_private.is_open_room(said.message->>'topic') then null
    else live.send(said.message->>'topic', said.message->>'event', said.message->'payload', (said.message->>'persists')::boolean)
    end
  from jsonb_array_elements($1::jsonb) as said (message))";

constexpr std::string_view kIsRoom = "select live_private.is_open_room($1)";

using Messages = std::vector<OutgoingBroadcast>;

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
    json::append_raw_element(json, "{");
    json::append_member(json, "topic", message.topic);
    json::append_member(json, "event", message.event);
    json::append_raw_member(json, "may_be_in_room", may_be_in_room(services.settings, message) ? "true" : "false");
    json::append_raw_member(json, "persists", message.persists ? "true" : "false");
    json::append_raw_member(json, "payload", message.payload);
    json += '}';
  }
  return json.append("]");
}

void send_to_room(const Services &services, const OutgoingBroadcast &message) {
  services.hub.broadcast(message.topic,
                         {.event = message.event, .payload = message.payload, .encoding = message.encoding}, nullptr);
}

void send(Services &services, const ClaimsRef &claims, const std::string &share, Messages messages, Respond respond) {
  Command command;
  command.claims = claims;
  command.share = share;
  command.sql = kSendAll;
  command.name = "send";
  command.parameters = {to_json(services, messages)};
  command.done = [&services, messages = std::move(messages), requester = broadcaster_of(services.settings, *claims),
                  respond = std::move(respond)](const CommandResult &result) {
    if (result.error) return respond(error_response(client_error(services.log, "broadcast", *result.error, requester)));
    for (int row = 0; row < result.rows.count(); ++row)
      if (result.rows.text(row, 0).empty()) send_to_room(services, messages[static_cast<std::size_t>(row)]);
    respond(accepted());
  };
  services.database.write(std::move(command));
}

void send_bytes(Services &services, const ClaimsRef &claims, const std::string &share, OutgoingBroadcast message,
                Respond respond) {
  if (!may_be_in_room(services.settings, message)) return respond(no_bytes());
  Command command;
  command.claims = claims;
  command.share = share;
  command.sql = kIsRoom;
  command.parameters = {message.topic};
  command.done = [&services, message = std::move(message), respond = std::move(respond)](const CommandResult &result) {
    if (result.error)
      return respond(error_response(client_error(services.log, "broadcast", *result.error, Requester::signed_in)));
    if (!result.rows.is_true(0, 0)) return respond(no_bytes());
    send_to_room(services, message);
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
        return message.persists && may_be_in_room(services.settings, message);
      }))
    return respond(error_response(422, "a public channel keeps nothing: only a private message can persist",
                                  sqlstate::kInvalidParameterValue));
  if (messages.empty()) return respond(accepted());
  if (const auto excess = request.allowance.spend(Rate::messages, services.time_now(), messages.size()))
    return respond(error_response(*excess));
  const std::string &share = request.allowance.address_key();
  if (messages.front().encoding == Encoding::binary)
    return send_bytes(services, claims, share, std::move(messages.front()), std::move(respond));
  send(services, claims, share, std::move(messages), std::move(respond));
}

} // namespace pg_live
