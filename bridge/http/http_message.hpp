// Requests and responses of plain HTTP, one a connection: every response closes it, so that no request can be smuggled
// in behind another.
#pragma once

#include "api/client_error.hpp"
#include "http/request_head.hpp"
#include "identity/claims.hpp"
#include "limits/limiter.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pg_live {

struct HttpRequest {
  const RequestHead &head;
  std::string_view body;
  ClaimsRef claims;     // null where the path needs none
  Allowance &allowance; // of its socket
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json"; // left out when the body is empty
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Answers a request, once.
using Respond = std::function<void(HttpResponse)>;

// {"error": "<message>", "code": "<SQLSTATE>"}
HttpResponse error_response(int status, std::string_view message, std::string_view sqlstate = {});

// The response to an error of the database.
HttpResponse error_response(const ClientError &error);

// The response to what was too much: 429, with the time to try again in Retry-After.
HttpResponse error_response(const Excess &excess);

// The response to a method that the path does not take; `methods`: those that it does.
HttpResponse method_not_allowed(const std::string &methods);

// Lets a page of that origin read the response. The bridge uses no cookies, so there are no credentials to allow.
void allow_origin(HttpResponse &response, std::string_view origin);

// The bytes of a response before its body: the status line and the headers.
std::string head_bytes(const HttpResponse &response);

} // namespace pg_live
