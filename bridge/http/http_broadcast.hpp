// Broadcasts by POST, compatible with Supabase Realtime. Invariant: all messages of a request are sent, or none; as for
// a join, the database decides whether a name is a topic of the database or a room of clients.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

namespace pg_live {

// 202 without a body when all were sent; 422 for a body that is none, 415 for bytes on a topic of the database; else
// what client_error() says of the first message that the database refused.
void broadcast_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond);

} // namespace pg_live
