// Reading a request's arguments, and answering.
#include "http_api.hpp"

#include "commands.hpp"
#include "database.hpp"
#include "http_text.hpp"
#include "json.hpp"
#include "url_query.hpp"

#include <array>
#include <functional>

namespace pg_live {

namespace {

// Secrets in a query are who asks, and no arguments.
constexpr std::array<std::string_view, 2> kNoArguments = {"apikey", "token"};

using Arguments = std::variant<std::string, HttpResponse>;

bool is_json(const RequestHead &head) {
  const std::string_view type = head.header("content-type").value_or("");
  return equals_ignoring_case(trim(type.substr(0, type.find(';'))), "application/json");
}

Arguments arguments_in_query(const RequestHead &head) {
  auto arguments = query_object(head.query, kNoArguments);
  if (!arguments) return error_response(400, "the query is malformed", "22023");
  return std::move(*arguments);
}

Arguments arguments_in_body(const HttpRequest &request) {
  if (request.body.empty()) return "{}";
  if (!is_json(request.head)) return error_response(415, "the body must be application/json");
  json::Error error;
  const auto body = json::parse(request.body, {}, &error);
  if (!body) return error_response(400, std::string("the body is no JSON: ").append(error.message), "22P02");
  if (body->kind != json::Kind::object) return error_response(400, "the body must be a JSON object", "22023");
  return std::string(body->raw);
}

HttpResponse response_to(const Services &services, const CommandEntry &entry, const CommandResult &result,
                         bool signed_in) {
  if (result.error) return error_response(client_error(services.log, entry.path, *result.error, signed_in));
  HttpResponse response;
  response.body = result.rows.text(0, 0);
  if (response.body.empty()) response.status = 204;
  return response;
}

} // namespace

void command_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Http::Respond respond) {
  const CommandEntry &entry = *command_of_request(request.head.method, request.head.path);
  const bool in_query = entry.method == "GET" || entry.method == "DELETE";
  Arguments arguments = in_query ? arguments_in_query(request.head) : arguments_in_body(request);
  if (auto *refusal = std::get_if<HttpResponse>(&arguments)) return respond(std::move(*refusal));
  Command command;
  command.claims = claims;
  command.sql = entry.sql;
  command.parameters = {std::get<std::string>(std::move(arguments)), std::nullopt, std::nullopt};
  command.sequence_key = std::hash<std::string>{}(claims->user_id); // what one user asks for stays in order
  command.done = [respond = std::move(respond), &entry, &services, signed_in = !claims->user_id.empty()](
                     const CommandResult &result) { respond(response_to(services, entry, result, signed_in)); };
  if (entry.kind == CommandKind::read) return services.database.read(std::move(command));
  services.database.write(std::move(command));
}

} // namespace pg_live
