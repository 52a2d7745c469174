// See uuid.hpp.
#include "uuid.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace pg_live {

Uuid random_uuid() {
  Uuid uuid;
  // So few bytes come whole or, before the system has gathered any randomness, not at all.
  if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0FU) | 0x40U); // the version
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3FU) | 0x80U); // the variant
  return uuid;
}

std::string to_text(const Uuid &uuid) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t at = 0; at < uuid.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += digits[uuid[at] >> 4U];
    text += digits[uuid[at] & 0x0FU];
  }
  return text;
}

} // namespace pg_live
