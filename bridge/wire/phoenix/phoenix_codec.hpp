// Phoenix Channels as the bridge uses them, see phoenix.hpp.
#pragma once

#include "wire/codec.hpp"
#include "wire/phoenix/phoenix.hpp"

namespace pg_live::phoenix {

// Lives as long as the program.
const Codec &codec_of(Version version);

} // namespace pg_live::phoenix
