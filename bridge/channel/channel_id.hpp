// Names a channel for as long as its connection lives: a new join of the same topic is another channel.
#pragma once

#include <cstdint>

namespace pg_live {

enum class ChannelId : std::uint32_t {};

} // namespace pg_live
