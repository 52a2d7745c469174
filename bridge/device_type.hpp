// What a client runs on, guessed from its User-Agent header.
#pragma once

#include <string_view>

namespace pg_live {

/// One of live.device_type, a literal. Clients can say better with the command heartbeat.
std::string_view device_type_of(std::string_view user_agent);

} // namespace pg_live
