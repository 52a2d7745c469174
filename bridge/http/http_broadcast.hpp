// Broadcasts by POST, as Supabase Realtime takes them. Invariant: all messages of a request are sent, or none; whether
// a name is a topic of the database or a room of clients is for the database to say, as for a channel that joins.
#pragma once

#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "identity/claims.hpp"

namespace pg_live {

// 202 without a body when all were sent; 422 for a body that is none, 415 for bytes on a topic of the database; else
// what client_error() says of the first message that the database refused.
void broadcast_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Respond respond);

} // namespace pg_live
