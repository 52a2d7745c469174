// What a client runs on, guessed from its User-Agent header.
#pragma once

#include <string_view>

namespace pg_live {

// Those of live.device_type that can be guessed. Clients can say better with the command heartbeat.
enum class DeviceType : unsigned char { other, web, mobile, tablet };

DeviceType device_type_of(std::string_view user_agent);

// As live.device_type calls it; a literal.
std::string_view name_of(DeviceType type);

} // namespace pg_live
