// Reading the messages of a POST and sending each.
#include "http_broadcast.hpp"

#include "built_in_topic.hpp"
#include "database.hpp"
#include "hub.hpp"
#include "json.hpp"
#include "url_query.hpp"

#include <array>
#include <optional>
#include <vector>

namespace pg_live {

namespace {

constexpr std::array<std::string_view, 2> kPaths = {"/realtime/v1/api/broadcast", "/api/broadcast"};
constexpr std::size_t kMostMessages = 100;
constexpr std::string_view kSend = "select live.send($1, $2, $3::jsonb, false)";

struct Outgoing {
  std::string topic;
  std::string event;
  std::string_view payload; // JSON, in the request
  bool is_private = false;
};

// What follows the path of a broadcast: "" or "/<topic>/events/<event>".
std::optional<std::string_view> rest_of(std::string_view path) {
  for (const std::string_view known : kPaths)
    if (path == known || (path.starts_with(known) && path.substr(known.size()).starts_with('/')))
      return path.substr(known.size());
  return std::nullopt;
}

bool read_text(json::Value object, std::string_view name, std::string &text) {
  const auto value = json::member(object, name);
  return value && json::unescape(*value, text) && !text.empty();
}

// "/<topic>/events/<event>": a topic may contain the word itself, so the last one separates.
std::optional<Outgoing> from_path(std::string_view rest, const RequestHead &head, std::string_view body) {
  const std::size_t separator = rest.rfind("/events/");
  if (separator == std::string_view::npos || separator == 0) return std::nullopt;
  const auto topic = percent_decode(rest.substr(1, separator - 1));
  const auto event = percent_decode(rest.substr(separator + 8));
  const auto payload = json::parse(body);
  if (!topic || !event || topic->empty() || event->empty() || !payload) return std::nullopt;
  const bool is_private = head.query_argument("private").value_or("") == "true";
  return Outgoing{std::string(phoenix::without_prefix(*topic)), *event, payload->raw, is_private};
}

std::optional<std::vector<Outgoing>> from_body(std::string_view body) {
  const auto root = json::parse(body);
  const auto list = root ? json::member(*root, "messages") : std::nullopt;
  if (!list || list->kind != json::Kind::array) return std::nullopt;
  std::vector<Outgoing> messages;
  for (const json::Value &each : json::elements(*list)) {
    Outgoing message;
    const auto payload = json::member(each, "payload");
    if (!payload || !read_text(each, "topic", message.topic) || !read_text(each, "event", message.event))
      return std::nullopt;
    const auto is_private = json::member(each, "private");
    message.topic = phoenix::without_prefix(message.topic);
    message.payload = payload->raw;
    message.is_private = is_private && is_private->raw == "true";
    messages.push_back(std::move(message));
  }
  return messages;
}

// Answers when the last message has its outcome.
struct Outcome {
  explicit Outcome(Http::Respond respond_later) : respond(std::move(respond_later)) { response.status = 202; }
  ~Outcome() { respond(std::move(response)); }
  Http::Respond respond;
  HttpResponse response;
};

void send(Services &services, const ClaimsRef &claims, const Outgoing &message, std::shared_ptr<Outcome> outcome) {
  if (!message.is_private && services.settings.public_channels && !is_built_in_topic(message.topic)) {
    phoenix::Broadcast broadcast;
    broadcast.event = message.event;
    broadcast.payload = message.payload;
    return services.hub.broadcast(message.topic, broadcast, nullptr);
  }
  Command command;
  command.claims = claims;
  command.sql = kSend;
  command.parameters = {message.topic, message.event, std::string(message.payload)};
  command.done = [&log = services.log, outcome = std::move(outcome),
                  signed_in = !claims->user_id.empty()](const CommandResult &result) {
    if (result.error && outcome->response.status == 202)
      outcome->response = error_response(client_error(log, "broadcast", *result.error, signed_in));
  };
  services.database.write(std::move(command));
}

} // namespace

bool is_broadcast_path(std::string_view path) { return rest_of(path).has_value(); }

void broadcast_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Http::Respond respond) {
  const std::string_view rest = rest_of(request.head.path).value_or("");
  std::optional<std::vector<Outgoing>> messages;
  if (rest.empty()) {
    messages = from_body(request.body);
  } else if (auto message = from_path(rest, request.head, request.body)) {
    messages.emplace({std::move(*message)});
  }
  if (!messages) return respond(error_response(422, "the body is not a broadcast in JSON"));
  if (messages->size() > kMostMessages)
    return respond(error_response(429, "Too many messages to broadcast, please reduce the batch size"));
  const auto outcome = std::make_shared<Outcome>(std::move(respond));
  for (const Outgoing &message : *messages)
    send(services, claims, message, outcome);
}

} // namespace pg_live
