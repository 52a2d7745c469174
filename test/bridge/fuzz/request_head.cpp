// Request heads: the answer does not depend on the pieces they come in, and what is rewritten is accepted again, asks
// for the same and changes no more.
#include "http/request_head.hpp"

#include "fuzz.hpp"
#include "http/url_query.hpp"
#include "text/json.hpp"
#include "wire/phoenix/phoenix_handshake.hpp"

using namespace pg_live;
using fuzz::require;

extern "C" int fuzz_request_head(const unsigned char *data, std::size_t size) {
  const std::string_view received = fuzz::view(data, size);
  const auto whole = parse_request_head(received);
  std::size_t scanned = 0;
  auto in_pieces = parse_request_head({});
  for (std::size_t length = 1; length <= size && std::holds_alternative<IncompleteHead>(in_pieces); ++length) {
    in_pieces = parse_request_head(received.substr(0, length), scanned);
    scanned = length;
  }
  require(in_pieces.index() == whole.index());
  const auto *head = std::get_if<RequestHead>(&whole);
  if (head == nullptr) return 0;
  require(head->bytes <= size && std::get<RequestHead>(in_pieces).bytes == head->bytes);
  for (const auto *name : {"apikey", "vsn", "a", ""})
    head->query_argument(name);
  percent_decode(head->path);
  if (const auto object = query_object(head->query, {})) require(json::parse(*object).has_value());
  if (const auto authorization = head->header("authorization")) bearer_token(*authorization);
  phoenix::read_handshake(head->subprotocols);
  const std::string_view subprotocol = head->subprotocols.empty() ? std::string_view() : head->subprotocols.front();
  const std::string once = rewrite(*head, subprotocol);
  const auto again = parse_request_head(once);
  const auto *rewritten = std::get_if<RequestHead>(&again);
  require(rewritten != nullptr && rewritten->bytes == once.size());
  require(rewritten->method == head->method && rewritten->target == head->target &&
          rewritten->upgrade == head->upgrade && rewritten->content_length == head->content_length &&
          rewritten->subprotocols.size() == (subprotocol.empty() ? 0U : 1U));
  require(rewrite(*rewritten, subprotocol) == once);
  return 0;
}
