// What a browser loads to show the operator's page. It holds nothing of the bridge: that is asked for with the token.
#pragma once

#include "http/http_message.hpp"

#include <optional>
#include <string_view>

namespace pg_live {

// One of the page's files; nothing for another path.
std::optional<HttpResponse> admin_file(std::string_view path);

} // namespace pg_live
