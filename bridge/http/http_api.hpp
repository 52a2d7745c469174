// The commands that HTTP requests give: arguments from the body (POST, PATCH, PUT) or the query (GET, HEAD, DELETE),
// idempotency_key also from the header Idempotency-Key; run as the user of the token, answered with the JSON that the
// function returned. The table of commands is in commands.cpp.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

namespace pg_live {

// 200 or 201 with JSON, or 204 where the function returns nothing; 400 for arguments that are no JSON object or that
// the command does not take, 415 for those of another type; else what client_error() says. A page has its neighbours in
// the header Link. The request is one that command_of_request() knows.
void command_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond);

} // namespace pg_live
