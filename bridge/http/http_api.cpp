// Reading a request's arguments, and answering.
#include "http/http_api.hpp"

#include "api/command_arguments.hpp"
#include "api/run_command.hpp"
#include "base/http_text.hpp"
#include "base/sqlstate.hpp"
#include "database/database.hpp"
#include "http/page_link.hpp"
#include "http/url_query.hpp"
#include "text/json.hpp"
#include "text/json_writer.hpp"
#include "text/utf8.hpp"

#include <array>
#include <functional>

namespace pg_live {

namespace {

// Secrets in a query are who asks, and no arguments.
constexpr std::array<std::string_view, 2> kNoArguments = {"apikey", "token"};

// Arguments that may be given more than once.
constexpr std::array<std::string_view, 1> kLists = {"type"};

// A position names the transactions that were running, and proxies accept headers of about this size.
constexpr std::size_t kMaxPositionBytes = 4000;

bool is_read(const CommandEntry &entry) { return entry.kind == CommandKind::read || entry.kind == CommandKind::page; }

using Arguments = std::variant<std::string, HttpResponse>;

bool is_json(const RequestHead &head) {
  const std::string_view type = head.header("content-type").value_or("");
  return equals_ignoring_case(trim(type.substr(0, type.find(';'))), "application/json");
}

// `arguments` as text, if the command takes them.
Arguments checked(const CommandEntry &entry, json::Value arguments) {
  if (auto error = argument_error(entry, arguments, ArgumentSource::request))
    return error_response({400, std::move(*error)});
  return std::string(arguments.raw);
}

Arguments arguments_in_query(const CommandEntry &entry, const RequestHead &head) {
  const auto arguments = query_object(head.query, kNoArguments, kLists);
  if (!arguments) return error_response(400, "the query is malformed", sqlstate::kInvalidParameterValue);
  return checked(entry, {json::Kind::object, *arguments});
}

// Adds the key of the header to the arguments, unless they have one.
Arguments with_idempotency_key(json::Value arguments, std::string_view key) {
  constexpr std::string_view kName = "idempotency_key";
  const auto own = json::member(arguments, kName);
  if (own && own->kind != json::Kind::null) return std::string(arguments.raw);
  if (!is_utf8(key))
    return error_response(400, "the header Idempotency-Key is malformed", sqlstate::kInvalidParameterValue);
  return json::with_member(arguments.raw, kName, key);
}

Arguments arguments_in_body(const CommandEntry &entry, const HttpRequest &request) {
  if (query_object(request.head.query, kNoArguments) != "{}")
    return error_response(400, "the arguments must stand in the body, not in the query",
                          sqlstate::kInvalidParameterValue);
  if (request.body.empty()) return "{}";
  if (!is_json(request.head)) return error_response(415, "the body must be application/json");
  json::Error error;
  const auto body = json::parse(request.body, {}, &error);
  if (!body) return error_response(400, std::string("the body is no JSON: ").append(error.message), "22P02");
  if (body->kind != json::Kind::object)
    return error_response(400, "the body must be a JSON object", sqlstate::kInvalidParameterValue);
  const auto key = request.head.header("idempotency-key");
  Arguments arguments = checked(entry, *body);
  if (!key || std::holds_alternative<HttpResponse>(arguments)) return arguments;
  return with_idempotency_key(*body, *key);
}

// Of a state, in the last column. A client that gets no position has to follow the topic first, and load then.
void add_position(HttpResponse &response, const Rows &rows) {
  const std::string_view position = rows.text(0, rows.columns() - 1);
  if (!position.empty() && position.size() <= kMaxPositionBytes)
    response.headers.emplace_back("Live-Position", position);
}

HttpResponse response_to(const Services &services, const CommandEntry &entry, const CommandResult &result,
                         const PageLinks &links, Requester requester) {
  if (result.error) return error_response(client_error(services.log, entry.path, *result.error, requester));
  HttpResponse response;
  response.body = result.rows.text(0, 0);
  if (entry.kind == CommandKind::create) response.status = 201;
  if (response.body.empty()) response.status = 204;
  if (is_read(entry) || !entry.state.empty()) add_position(response, result.rows);
  if (entry.kind == CommandKind::page)
    if (std::string link = links.value(result.rows.text(0, 1), result.rows.text(0, 2)); !link.empty())
      response.headers.emplace_back("Link", std::move(link));
  return response;
}

} // namespace

void command_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond) {
  const CommandEntry &entry = *command_of_request(request.head.method, request.head.path);
  const bool in_query = entry.method == "GET" || entry.method == "DELETE";
  Arguments arguments = in_query ? arguments_in_query(entry, request.head) : arguments_in_body(entry, request);
  if (auto *refusal = std::get_if<HttpResponse>(&arguments)) return respond(std::move(*refusal));
  Command command;
  command.claims = claims;
  command.share = request.allowance.address_key();
  command.sql = entry.sql;
  command.name = entry.name();
  command.parameters = {std::get<std::string>(std::move(arguments)), std::nullopt, std::nullopt};
  command.done = [respond = std::move(respond), &entry, &services,
                  links = PageLinks(entry.kind == CommandKind::page ? request.head.query : ""),
                  requester = requester_of(*claims)](const CommandResult &result) {
    respond(response_to(services, entry, result, links, requester));
  };
  if (is_read(entry)) return services.database.read(std::move(command), Reading::query);
  write_command(services.database, entry, std::move(command));
}

} // namespace pg_live
