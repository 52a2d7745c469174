// Random names: UUIDs of version 4 (RFC 9562), kept as bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace pg_live {

using Uuid = std::array<std::uint8_t, 16>;

Uuid random_uuid();

/// As PostgreSQL prints it.
std::string to_text(const Uuid &uuid);

} // namespace pg_live
