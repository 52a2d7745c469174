// What clients may use at most. Each limit exists once: in the table of limit.cpp, which makes its flag --limit-<name>,
// its environment variable, its key in the configuration file, its line of --help, and its name in refusals and
// metrics.
//
// Invariant: a limit by socket, user or address may be 0, which means none; the others are at least 1.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace pg_live {

enum class Limit : unsigned char {
  connections,
  connections_by_user,
  connections_by_address,
  handshakes,
  topics_by_socket,
  topics_by_user,
  topics_by_address,
  messages_by_socket,
  messages_by_user,
  messages_by_address,
  joins_by_socket,
  joins_by_user,
  joins_by_address,
  bytes_by_socket,
  bytes_by_user,
  bytes_by_address,
  requests_by_user,
  requests_by_address,
  commands,
  commands_by_user,
  commands_by_address,
  tracked_bytes_by_user,
  tracked_bytes_by_address,
  waiting_tokens,
  waiting_tokens_by_address,
  message_bytes,
  unfinished_bytes,
  body_bytes,
  queue_bytes,
  roster_members,
};

inline constexpr std::size_t kLimits = static_cast<std::size_t>(Limit::roster_members) + 1;

struct LimitEntry {
  Limit limit = Limit::connections;
  std::string_view name; // without the "limit-" of its flag
  unsigned value = 0;    // by default
  // By default where proxies are trusted, and so addresses are those of clients. Elsewhere a proxy may be the address
  // of all clients, so that no limit by address is safe.
  unsigned value_of_known_addresses = 0;
  std::string_view what; // it limits, in words that follow "too many"

  bool may_be_none() const { return name.find("-by-") != std::string_view::npos; }
};

// In the order of the enumeration, which limit.cpp asserts.
std::span<const LimitEntry, kLimits> limit_entries();

inline const LimitEntry &entry_of(Limit limit) { return limit_entries()[static_cast<std::size_t>(limit)]; }

// The values in force.
class Limits {
 public:
  Limits(); // the defaults

  unsigned operator[](Limit limit) const { return values_[static_cast<std::size_t>(limit)]; }
  unsigned &operator[](Limit limit) { return values_[static_cast<std::size_t>(limit)]; }

 private:
  std::array<unsigned, kLimits> values_{};
};

} // namespace pg_live
