// The table of limits.
#include "limits/limit.hpp"

#include <algorithm>

namespace pg_live {

namespace {

constexpr LimitEntry same(Limit limit, std::string_view name, unsigned value, std::string_view what) {
  return {limit, name, value, value, what};
}

constexpr LimitEntry by_address(Limit limit, std::string_view name, unsigned value_of_known_addresses,
                                std::string_view what) {
  return {limit, name, 0, value_of_known_addresses, what};
}

constexpr std::array<LimitEntry, kLimits> kEntries = {
    same(Limit::connections, "connections", 100000, "connections of one process"),
    same(Limit::connections_by_user, "connections-by-user", 200, "connections of one user"),
    by_address(Limit::connections_by_address, "connections-by-address", 2000, "connections of one address"),
    same(Limit::handshakes, "handshakes", 1000,
         "encrypted connections whose handshake is not done; one of the address that has most of them gives way"),
    same(Limit::topics_by_socket, "topics-by-socket", 100, "topics of one connection"),
    same(Limit::topics_by_user, "topics-by-user", 5000, "topics of all connections of one user"),
    by_address(Limit::topics_by_address, "topics-by-address", 50000, "topics of all connections of one address"),
    same(Limit::messages_by_socket, "messages-by-socket", 100, "messages a second of one connection"),
    same(Limit::messages_by_user, "messages-by-user", 1000, "messages a second of one user"),
    by_address(Limit::messages_by_address, "messages-by-address", 10000, "messages a second of one address"),
    same(Limit::joins_by_socket, "joins-by-socket", 50, "joins a second of one connection"),
    same(Limit::joins_by_user, "joins-by-user", 500, "joins a second of one user"),
    by_address(Limit::joins_by_address, "joins-by-address", 2000, "joins a second of one address"),
    same(Limit::bytes_by_socket, "bytes-by-socket", 2000000, "bytes a second of one connection"),
    same(Limit::bytes_by_user, "bytes-by-user", 10000000, "bytes a second of one user"),
    by_address(Limit::bytes_by_address, "bytes-by-address", 50000000, "bytes a second of one address"),
    same(Limit::requests_by_user, "requests-by-user", 500, "HTTP requests a second of one user"),
    by_address(Limit::requests_by_address, "requests-by-address", 2000, "HTTP requests a second of one address"),
    same(Limit::commands, "commands", 20000, "commands that wait for the database or run"),
    same(Limit::commands_by_user, "commands-by-user", 2000,
         "commands of one user that wait, of each kind: joins, reads, writes"),
    by_address(Limit::commands_by_address, "commands-by-address", 2000,
               "commands of one address without a user that wait, of each kind"),
    same(Limit::tracked_bytes_by_user, "tracked-bytes-by-user", 1048576,
         "bytes of metadata that one user tracks in all channels"),
    by_address(Limit::tracked_bytes_by_address, "tracked-bytes-by-address", 16777216,
               "bytes of metadata that one address tracks in all channels"),
    same(Limit::waiting_tokens, "waiting-tokens", 1000,
         "tokens that wait for the keys of their issuer, or for revocations"),
    {Limit::waiting_tokens_by_address, "waiting-tokens-by-address", 500, 100, "such tokens of one address"},
    same(Limit::message_bytes, "message-bytes", 1000000, "bytes of one message"),
    same(Limit::unfinished_bytes, "unfinished-bytes", 64000000,
         "bytes of the messages of all clients that have not arrived whole; the largest is given up"),
    same(Limit::body_bytes, "body-bytes", 1000000, "bytes of the body of one HTTP request"),
    same(Limit::queue_bytes, "queue-bytes", 4000000, "bytes that wait for a slow reader before it is closed"),
    same(Limit::roster_members, "roster-members", 1000,
         "members of a topic for its channels to be told more than their number"),
};

constexpr bool is_in_order() {
  for (std::size_t place = 0; place < kLimits; ++place)
    if (kEntries[place].limit != static_cast<Limit>(place)) return false;
  return true;
}
static_assert(is_in_order());

} // namespace

std::span<const LimitEntry, kLimits> limit_entries() { return kEntries; }

Limits::Limits() {
  std::transform(kEntries.begin(), kEntries.end(), values_.begin(), [](const LimitEntry &each) { return each.value; });
}

} // namespace pg_live
