// Requests as a whole: who the client is said to be by headers of proxies, its origin, and the broadcasts in its body.
// The input is a head and, behind it, a body.
#include "base/origin.hpp"
#include "fuzz.hpp"
#include "http/broadcast_request.hpp"
#include "http/forwarded.hpp"
#include "http/request_head.hpp"
#include "text/json.hpp"
#include "wire/topic_name.hpp"

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_http_request(const unsigned char *data, std::size_t size) {
  const std::string_view received = fuzz::view(data, size);
  const auto parsed = parse_request_head(received);
  const auto *head = std::get_if<RequestHead>(&parsed);
  if (head == nullptr) return 0;
  const IpAddress peer = *IpAddress::parse("10.0.0.1");
  const std::vector<IpNetwork> everybody = {*IpNetwork::parse("0.0.0.0/0"), *IpNetwork::parse("::/0")};
  for (const auto header : {ForwardedHeader::x_forwarded_for, ForwardedHeader::forwarded}) {
    require(forwarded_client(*head, header, peer, {}).text() == peer.text()); // trusts nobody
    require(IpAddress::parse(forwarded_client(*head, header, peer, everybody).text()).has_value());
  }
  if (const auto origin = head->header("origin"))
    require(!origin_matches("https://app.example", *origin) ||
            origin->size() == std::string_view("https://app.example").size());
  if (!is_broadcast_path(head->path)) return 0;
  const auto read = read_broadcasts(*head, received.substr(head->bytes));
  const auto *messages = std::get_if<std::vector<OutgoingBroadcast>>(&read);
  if (messages == nullptr) return 0;
  require(messages->size() <= kMaxBroadcasts);
  for (const OutgoingBroadcast &each : *messages)
    require(is_topic_name(each.topic) && is_event_name(each.event) &&
            (each.encoding == Encoding::binary || json::parse(each.payload).has_value()));
  return 0;
}
