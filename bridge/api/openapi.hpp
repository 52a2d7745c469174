// The description of the HTTP API as an OpenAPI 3.1 document, for who writes clients: served at /openapi.json.
//
// Invariant: the routes of commands, their parameters and what they answer come from the table of commands, so the
// document cannot tell of others; the routes beside them are written here, and a test asks the bridge about each.
#pragma once

#include <string>
#include <string_view>

namespace pg_live {

inline constexpr std::string_view kOpenApiPath = "/openapi.json";

std::string openapi_document();

} // namespace pg_live
