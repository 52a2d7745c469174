// The table of limits.
#include "limits/limit.hpp"

#include <algorithm>

namespace pg_live {

namespace {

constexpr LimitEntry same(std::string_view name, unsigned value, std::string_view what) {
  return {name, value, value, what};
}

constexpr LimitEntry by_address(std::string_view name, unsigned value_of_known_addresses, std::string_view what) {
  return {name, 0, value_of_known_addresses, what};
}

constexpr std::array<LimitEntry, kLimits> kEntries = {
    same("connections", 100000, "connections of one process"),
    same("connections-by-user", 200, "connections of one user"),
    by_address("connections-by-address", 2000, "connections of one address"),
    same("topics-by-socket", 100, "topics of one connection"),
    same("topics-by-user", 5000, "topics of all connections of one user"),
    by_address("topics-by-address", 50000, "topics of all connections of one address"),
    same("messages-by-socket", 100, "messages a second of one connection"),
    same("messages-by-user", 1000, "messages a second of one user"),
    by_address("messages-by-address", 10000, "messages a second of one address"),
    same("joins-by-socket", 50, "joins a second of one connection"),
    same("joins-by-user", 500, "joins a second of one user"),
    by_address("joins-by-address", 2000, "joins a second of one address"),
    same("bytes-by-socket", 2000000, "bytes a second of one connection"),
    same("bytes-by-user", 10000000, "bytes a second of one user"),
    by_address("bytes-by-address", 50000000, "bytes a second of one address"),
    same("requests-by-user", 500, "HTTP requests a second of one user"),
    by_address("requests-by-address", 2000, "HTTP requests a second of one address"),
    same("commands", 20000, "commands that wait for the database or run"),
    same("commands-by-user", 2000, "commands of one user that wait, of each kind: joins, reads, writes"),
    by_address("commands-by-address", 2000, "commands of one address without a user that wait, of each kind"),
    same("tracked-bytes-by-user", 1048576, "bytes of metadata that one user tracks in all channels"),
    by_address("tracked-bytes-by-address", 16777216, "bytes of metadata that one address tracks in all channels"),
    same("waiting-tokens", 1000, "tokens that wait for the keys of their issuer, or for revocations"),
    {"waiting-tokens-by-address", 500, 100, "such tokens of one address"},
    same("message-bytes", 1000000, "bytes of one message"),
    same("unfinished-bytes", 64000000,
         "bytes of the messages of all clients that have not arrived whole; the largest is given up"),
    same("body-bytes", 1000000, "bytes of the body of one HTTP request"),
    same("queue-bytes", 4000000, "bytes that wait for a slow reader before it is closed"),
    same("roster-members", 1000, "members of a topic for its channels to be told more than their number"),
};

static_assert(kEntries.back().name == "roster-members", "the table has an entry for each limit");

} // namespace

std::span<const LimitEntry, kLimits> limit_entries() { return kEntries; }

Limits::Limits() {
  std::transform(kEntries.begin(), kEntries.end(), values_.begin(), [](const LimitEntry &each) { return each.value; });
}

} // namespace pg_live
