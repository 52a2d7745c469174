// Prefaces of proxies and forwarding headers: no input is incomplete for ever, what is read does not depend on the
// pieces it comes in, and a client that no trusted proxy named is the peer.
#include "http/proxy_preface.hpp"

#include "fuzz.hpp"
#include "http/forwarded.hpp"

#include <array>

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_proxy_preface(const unsigned char *data, std::size_t size) {
  const std::string_view received = fuzz::view(data, size);
  const auto whole = parse_proxy_preface(received);
  require(size < kMaxPrefaceBytes || !std::holds_alternative<IncompletePreface>(whole));
  if (const auto *preface = std::get_if<ProxyPreface>(&whole)) {
    require(preface->bytes <= size);
    require(std::holds_alternative<IncompletePreface>(parse_proxy_preface(received.substr(0, preface->bytes - 1))));
    if (preface->client) require(IpAddress::parse(preface->client->text()) == preface->client);
  }
  RequestHead head;
  head.headers = {{"X-Forwarded-For", received}, {"Forwarded", received}};
  const IpAddress peer = IpAddress::parse("10.0.0.1").value();
  const std::array trusted = {IpNetwork::parse("10.0.0.0/8").value()};
  for (const ForwardedHeader header : {ForwardedHeader::x_forwarded_for, ForwardedHeader::forwarded}) {
    forwarded_client(head, header, peer, trusted);
    require(forwarded_client(head, header, peer, {}) == peer);
  }
  IpNetwork::parse(received);
  return 0;
}
