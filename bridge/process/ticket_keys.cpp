// See ticket_keys.hpp.
#include "process/ticket_keys.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pg_live {

TicketKeys::TicketKeys() {
  if (::getentropy(bytes_.data(), bytes_.size()) != 0)
    throw std::system_error(errno, std::generic_category(), "could not read random bytes");
}

} // namespace pg_live
