// The address of a client whose request passed proxies, by the headers that these append to: X-Forwarded-For, or
// Forwarded of RFC 7239.
//
// Invariant: only what a trusted proxy appended counts. A client may send such a header itself, and proxies append to
// it: so it is read from its end, and the first address that is no trusted proxy is the client.
#pragma once

#include "base/ip_address.hpp"
#include "http/request_head.hpp"

#include <span>
#include <string_view>

namespace pg_live {

// Which header the proxies write. The other one comes from the client, unless they remove it, and is not read.
enum class ForwardedHeader : unsigned char { x_forwarded_for, forwarded };

bool is_trusted(std::span<const IpNetwork> proxies, const IpAddress &address);

// The client behind `peer`, which is trusted. Where a proxy wrote no address, the one nearest to the client.
IpAddress forwarded_client(const RequestHead &head, ForwardedHeader header, const IpAddress &peer,
                           std::span<const IpNetwork> proxies);

} // namespace pg_live
