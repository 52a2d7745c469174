// Writing responses.
#include "http/http_message.hpp"

#include "base/sqlstate.hpp"

namespace pg_live {

namespace {

// No page may frame, guess the type of, or without CORS embed, what the bridge serves, which may carry a token in its
// address.
constexpr std::string_view kSecurityHeaders = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
                                              "Cross-Origin-Resource-Policy: same-origin\r\n"
                                              "Referrer-Policy: no-referrer\r\n";

// Where no time is known at which it will go better.
constexpr const char *kRetryAfter = "2"; // seconds

std::string_view phrase_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 308:
    return "Permanent Redirect";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 411:
    return "Length Required";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 422:
    return "Unprocessable Content";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Refused";
  }
}

} // namespace

HttpResponse error_response(const ClientError &error) {
  HttpResponse response;
  response.status = error.status;
  response.body = error_object("error", error.shown);
  if (error.status == 401) response.headers = {{"WWW-Authenticate", "Bearer"}};
  if (error.status == 429 || error.status == 503) response.headers = {{"Retry-After", kRetryAfter}};
  if (error.status == 426) response.headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
  return response;
}

HttpResponse error_response(const Excess &excess) {
  HttpResponse response = error_response(429, text_of(excess), sqlstate::kConfigurationLimitExceeded);
  if (excess.retry_after_seconds > 0) response.headers = {{"Retry-After", std::to_string(excess.retry_after_seconds)}};
  return response;
}

HttpResponse error_response(int status, std::string_view message, std::string_view sqlstate) {
  return error_response({status, {std::string(sqlstate), std::string(message), ""}});
}

HttpResponse method_not_allowed(const std::string &methods) {
  HttpResponse response = error_response(405, "this path takes " + methods);
  response.headers = {{"Allow", methods}};
  return response;
}

void allow_origin(HttpResponse &response, std::string_view origin) {
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", "Link, Live-Position, Retry-After");
  response.headers.emplace_back("Vary", "Origin");
}

std::string head_bytes(const HttpResponse &response) {
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + " ";
  bytes.append(phrase_of(response.status)).append("\r\nConnection: close\r\n").append(kSecurityHeaders);
  for (const auto &[name, value] : response.headers)
    bytes.append(name).append(": ").append(value).append("\r\n");
  if (!response.body.empty()) bytes.append("Content-Type: ").append(response.content_type).append("\r\n");
  if (response.status != 204)
    bytes.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  return bytes.append("\r\n");
}

} // namespace pg_live
