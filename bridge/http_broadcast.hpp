// Broadcasts by POST, as Supabase Realtime takes them: a list of messages, or one message with topic and event in the
// path. Invariant: answered once, after the last of its messages has its outcome; a message goes through the database
// as the caller, or, to a public room, straight to its members.
#pragma once

#include "http.hpp"

namespace pg_live {

// Whether the path (as sent) is one of a broadcast.
bool is_broadcast_path(std::string_view path);

// 202 without a body when all were sent; 422 for a body that is none; else what client_error() says.
void broadcast_by_http(Services &services, const ClaimsRef &claims, const HttpRequest &request, Http::Respond respond);

} // namespace pg_live
