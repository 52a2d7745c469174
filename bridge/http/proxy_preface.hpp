// The preface by which a proxy says for whom it connects: the PROXY protocol of HAProxy, versions 1 and 2
// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
//
// Invariant: a preface is trusted only from the addresses of --trusted-proxies; who else may send one could be anyone.
#pragma once

#include "base/ip_address.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

namespace pg_live {

struct ProxyPreface {
  std::optional<IpAddress> client; // nothing: the proxy connects for itself, or for a client that has no address
  std::size_t bytes = 0;           // length of the preface: the request begins there
};

// The preface is not complete: read more and call again.
struct IncompletePreface {};

// Not one of a proxy.
struct MalformedPreface {};

// Reads the preface that `received` begins with. It is not complete for at most kMaxPrefaceBytes bytes.
std::variant<ProxyPreface, IncompletePreface, MalformedPreface> parse_proxy_preface(std::string_view received);

inline constexpr std::size_t kMaxPrefaceBytes = 1024;

} // namespace pg_live
