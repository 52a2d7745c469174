// The request head: what is understood, what is refused with which status, and what libwebsockets is given instead.
#include "http/request_head.hpp"

#include <gtest/gtest.h>

#include "base/base64url.hpp"

namespace pg_live {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

const std::string kWebsocketHeaders =
    "Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string upgrade_with(std::string_view headers = "") {
  return "GET /socket/websocket HTTP/1.1\r\n" + kWebsocketHeaders + std::string(headers) + "\r\n";
}

std::string get_with(std::string_view headers) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}

std::string get_of(std::string_view target) { return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

// The head has views into `text`, which must live as long.
RequestHead accepted(const std::string &text) {
  const auto result = parse_request_head(text);
  if (const auto *head = std::get_if<RequestHead>(&result)) return *head;
  const auto *rejection = std::get_if<Rejection>(&result);
  ADD_FAILURE() << "not accepted: " << (rejection != nullptr ? rejection->message : "incomplete");
  return {};
}

int status_of(std::string_view text) {
  const auto result = parse_request_head(text);
  const auto *rejection = std::get_if<Rejection>(&result);
  if (rejection == nullptr) return 0;
  EXPECT_FALSE(rejection->message.empty());
  return rejection->status;
}

TEST(RequestHead, ReadsTheHandshakeOfARealClient) {
  const std::string text = "GET /realtime/v1/websocket?apikey=ANON&vsn=2.0.0 HTTP/1.1\r\n"
                           "Host: localhost:4000\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                           "Origin: http://localhost\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
  const RequestHead head = accepted(text + "rest");
  const RequestHead kept = accepted(text);
  EXPECT_EQ(head.bytes, text.size());
  EXPECT_EQ(kept.method, "GET");
  EXPECT_EQ(kept.target, "/realtime/v1/websocket?apikey=ANON&vsn=2.0.0");
  EXPECT_EQ(kept.path, "/realtime/v1/websocket");
  EXPECT_EQ(kept.query, "apikey=ANON&vsn=2.0.0");
  EXPECT_EQ(kept.minor_version, 1);
  EXPECT_TRUE(kept.upgrade);
  EXPECT_TRUE(kept.subprotocols.empty());
  EXPECT_EQ(kept.query_argument("apikey"), "ANON");
  EXPECT_EQ(kept.query_argument("vsn"), "2.0.0");
  EXPECT_EQ(kept.header("ORIGIN"), "http://localhost");
  EXPECT_EQ(kept.content_length, 0U);
}

TEST(RequestHead, IsIncompleteUntilItsLastByteHoweverItArrives) {
  const std::string text = upgrade_with("Origin: http://x\r\n");
  std::size_t scanned = 0;
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto part = std::string_view(text).substr(0, length);
    EXPECT_TRUE(std::holds_alternative<IncompleteHead>(parse_request_head(part))) << length;
    EXPECT_TRUE(std::holds_alternative<IncompleteHead>(parse_request_head(part, scanned))) << length;
    scanned = length;
  }
  EXPECT_TRUE(std::holds_alternative<RequestHead>(parse_request_head(text, scanned)));
}

TEST(RequestHead, WhatFollowsTheHeadIsNotLookedAt) {
  const std::string body = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\n\0\r\xFF"s;
  const RequestHead head = accepted(body);
  EXPECT_EQ(head.bytes, body.size() - 4);
  EXPECT_EQ(head.content_length, 4U);
}

TEST(RequestHead, ReadsPlainRequestsOfEveryMethod) {
  for (const auto *method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    const std::string text = std::string(method) + " /a HTTP/1.1\r\nHost: h\r\n\r\n";
    const RequestHead head = accepted(text);
    EXPECT_EQ(head.method, method);
    EXPECT_FALSE(head.upgrade);
  }
}

TEST(RequestHead, HTTP10NeedsNoHost) {
  const std::string text = "GET / HTTP/1.0\r\n\r\n";
  EXPECT_EQ(accepted(text).minor_version, 0);
}

TEST(RequestHead, TrimsHeaderValuesAndFindsNamesInAnyCase) {
  const std::string text = get_with("X-A: \t b c \t \r\nEmpty:\r\nx-a: second\r\n");
  const RequestHead head = accepted(text);
  EXPECT_EQ(head.header("x-A"), "b c");
  EXPECT_EQ(head.header("empty"), "");
  EXPECT_EQ(head.header("x-b"), std::nullopt);
}

TEST(RequestHead, DecodesQueryArguments) {
  const std::string text = get_of("/p?a=1&b=x%20y+z&a=2&empty=&flag&%6Eame=%C3%A9&c=a=b&&=nameless");
  const RequestHead head = accepted(text);
  EXPECT_EQ(head.query_argument("a"), "1") << "the first";
  EXPECT_EQ(head.query_argument("b"), "x y z");
  EXPECT_EQ(head.query_argument("empty"), "");
  EXPECT_EQ(head.query_argument("flag"), "");
  EXPECT_EQ(head.query_argument("name"), "é");
  EXPECT_EQ(head.query_argument("c"), "a=b");
  EXPECT_EQ(head.query_argument("absent"), std::nullopt);
  EXPECT_EQ(head.query_argument("A"), std::nullopt);
}

TEST(RequestHead, AnEmptyQueryHasNoArguments) {
  const std::string text = get_of("/p?");
  EXPECT_EQ(accepted(text).query, "");
  EXPECT_EQ(accepted(text).query_argument("/"), std::nullopt);
}

TEST(RequestHead, ArgumentsThatAreNotUtf8AreNone) {
  const std::string text = get_of("/p?a=%FF&b=%ED%A0%80&c=ok");
  const RequestHead head = accepted(text);
  EXPECT_EQ(head.query_argument("a"), std::nullopt);
  EXPECT_EQ(head.query_argument("b"), std::nullopt);
  EXPECT_EQ(head.query_argument("c"), "ok");
}

class RequestHeadRefuses : public testing::TestWithParam<std::pair<std::string_view, int>> {};

TEST_P(RequestHeadRefuses, WithAStatus) { EXPECT_EQ(status_of(GetParam().first), GetParam().second); }

INSTANTIATE_TEST_SUITE_P(
    RequestLines, RequestHeadRefuses,
    testing::Values(
        std::pair{"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400}, std::pair{"\x16\x03\x01\x02"sv, 400},
        std::pair{"get / HTTP/1.1\r\n"sv, 400}, std::pair{"GET /\r\n\r\n"sv, 400}, std::pair{"GET\r\n\r\n"sv, 400},
        std::pair{"GET / \r\n\r\n"sv, 400}, std::pair{"GET  HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET  / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400}, std::pair{"GET / x HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /\tHTTP/1.1\r\n\r\n"sv, 400}, std::pair{"G(T / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET / HTTP/1.1 \r\nHost: h\r\n\r\n"sv, 400}, std::pair{"GET / HTTP/2.0\r\nHost: h\r\n\r\n"sv, 505},
        std::pair{"GET / HTTP/0.9\r\n\r\n"sv, 505}, std::pair{"GET / HTTP/1.2\r\nHost: h\r\n\r\n"sv, 505},
        std::pair{"GET / HTTP/1.10\r\n\r\n"sv, 505}, std::pair{"GET / http/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET / ICAP/1.0\r\n\r\n"sv, 400}, std::pair{"PRI * HTTP/2.0\r\n\r\n"sv, 505},
        std::pair{"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
        std::pair{"CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
        std::pair{"BREW / HTTP/1.1\r\nHost: h\r\n\r\n"sv, 501},
        std::pair{"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET a HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400}, std::pair{"GET /#f HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /\x7F HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /% HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400}, std::pair{"GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /?a=%0 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400},
        std::pair{"GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n"sv, 400}));

INSTANTIATE_TEST_SUITE_P(Lines, RequestHeadRefuses,
                         testing::Values(std::pair{"GET / HTTP/1.1\nHost: h\n\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\rHost: h\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\0\r\n\r\n"sv, 400},
                                         std::pair{"GET /\0 HTTP/1.1\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\n Host: h\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\n\tfolded: x\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost : h\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\nA\x01: x\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\nA: \x7F\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\n\xC3\xA9: x\r\n\r\n"sv, 400},
                                         std::pair{"GET / HTTP/1.1\r\nHost: h\r\nA B: x\r\n\r\n"sv, 400}));

INSTANTIATE_TEST_SUITE_P(
    Single, RequestHeadRefuses,
    testing::Values(std::pair{"GET / HTTP/1.1\r\n\r\n"sv, 400},
                    std::pair{"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"sv, 400},
                    std::pair{"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"sv, 400},
                    std::pair{"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"sv, 400},
                    std::pair{"GET / HTTP/1.1\r\nHost: h\r\napikey: a\r\nApiKey: b\r\n\r\n"sv, 400},
                    std::pair{"GET / HTTP/1.1\r\nHost: h\r\nOrigin: a\r\nOrigin: b\r\n\r\n"sv, 400}));

INSTANTIATE_TEST_SUITE_P(
    Smuggling, RequestHeadRefuses,
    testing::Values(
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"sv, 411},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: identity\r\nContent-Length: 3\r\n\r\n"sv, 411},
        std::pair{"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n"sv, 411},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\ncontent-length: 4\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3 4\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3a\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"sv, 400},
        std::pair{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n"sv, 400},
        std::pair{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"sv, 400},
        std::pair{"OPTIONS / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"sv, 400}));

TEST(RequestHead, AHeadMayHaveSixteenKilobytesAndNoMore) {
  const auto of_size = [](std::size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  const std::string fits = of_size(kMaxRequestHeadBytes);
  EXPECT_EQ(accepted(fits).bytes, kMaxRequestHeadBytes);
  EXPECT_EQ(status_of(of_size(kMaxRequestHeadBytes + 1)), 431);
  EXPECT_EQ(status_of("GET /" + std::string(kMaxRequestHeadBytes, 'x')), 431) << "without waiting for its end";
}

TEST(RequestHead, AHeadMayHaveAHundredHeadersAndNoMore) {
  std::string headers;
  for (std::size_t i = 1; i < kMaxRequestHeaders; ++i)
    headers += "A: b\r\n";
  const std::string fits = get_with(headers);
  EXPECT_EQ(accepted(fits).headers.size(), kMaxRequestHeaders);
  EXPECT_EQ(status_of(get_with(headers + "A: b\r\n")), 431);
}

TEST(RequestHeadUpgrade, NeedsGetHttp11VersionAndKey) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = upgrade_with();
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(status_of(with("GET", "POST")), 405);
  EXPECT_EQ(status_of(with("HTTP/1.1", "HTTP/1.0")), 400);
  EXPECT_EQ(status_of(with("Connection: Upgrade", "Connection: close")), 400);
  EXPECT_EQ(status_of(with("Connection: Upgrade\r\n", "")), 400);
  EXPECT_EQ(status_of(with("Version: 13", "Version: 12")), 426);
  EXPECT_EQ(status_of(with("Version: 13", "Version: 013")), 426);
  EXPECT_EQ(status_of(with("Version: 13", "Version: 8, 13")), 426);
  EXPECT_EQ(status_of(with("Sec-WebSocket-Version: 13\r\n", "")), 426);
  EXPECT_EQ(
      status_of(with("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 12\r\n")),
      426);
  for (const auto *key :
       {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25jZ*=="})
    EXPECT_EQ(status_of(with("dGhlIHNhbXBsZSBub25jZQ==", key)), 400) << key;
  EXPECT_EQ(status_of(upgrade_with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")), 400);
  EXPECT_EQ(status_of(upgrade_with("Content-Length: 5\r\n")), 400);
  EXPECT_EQ(status_of(upgrade_with("Transfer-Encoding: chunked\r\n")), 411);
}

TEST(RequestHeadUpgrade, ToOtherProtocolsIsIgnored) {
  for (const auto *other : {"h2c", "TLS/1.0", "websocketx", "web socket"}) {
    const std::string text = get_with("Connection: Upgrade\r\nUpgrade: " + std::string(other) + "\r\n");
    EXPECT_FALSE(accepted(text).upgrade) << other;
  }
}

TEST(RequestHeadUpgrade, MayBeOneOfSeveralWords) {
  std::string text = upgrade_with("Connection: x\r\n");
  text.replace(text.find("Upgrade: websocket"), 18, "Upgrade: h2c, WEBSOCKET");
  EXPECT_TRUE(accepted(text).upgrade);
}

TEST(RequestHeadUpgrade, HasTheSubprotocolsOfAllLinesInTheirOrder) {
  const std::string text =
      upgrade_with("Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.dG9r\r\nsec-websocket-protocol: other,\r\n");
  EXPECT_EQ(accepted(text).subprotocols,
            (std::vector<std::string_view>{"phoenix", "base64url.bearer.phx.dG9r", "other"}));
}

TEST(RequestHeadRewrite, KeepsWhatTheUpgradeNeedsAndDropsTheRest) {
  std::string text =
      upgrade_with("Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.dG9r\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\nX-Forwarded: x\r\nX: y\r\nCookie: c\r\n"
                   "Origin: http://o\r\n");
  text.replace(text.find("Connection: Upgrade"), 19, "Connection: keep-alive, Upgrade, " + std::string(200, 'x'));
  EXPECT_EQ(rewrite(accepted(text), "phoenix"),
            "GET /socket/websocket HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://o\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Protocol: phoenix\r\n\r\n");
}

TEST(RequestHeadRewrite, OffersNoSubprotocolWhenNoneIsSelected) {
  const std::string text = upgrade_with("Sec-WebSocket-Protocol: graphql-ws\r\n");
  EXPECT_EQ(rewrite(accepted(text), "").find("Protocol"), std::string::npos);
}

TEST(RequestHeadRewrite, ClosesAfterAPlainRequestAndStatesTheLength) {
  const std::string text = "POST /a?b=%20 HTTP/1.1\r\nhost: h\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nX-A: b\r\n"
                           "content-type: application/json\r\n\r\n";
  EXPECT_EQ(rewrite(accepted(text), ""), "POST /a?b=%20 HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
                                         "Connection: close\r\nContent-Length: 0\r\n\r\n");
  const std::string get = get_with("");
  EXPECT_EQ(rewrite(accepted(get), ""), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
}

TEST(RequestHeadRewrite, IsAcceptedAgainAndChangesNoMore) {
  const std::string text = upgrade_with("Sec-WebSocket-Protocol: phoenix\r\nAccept: */*\r\n");
  const std::string once = rewrite(accepted(text), "phoenix");
  EXPECT_EQ(rewrite(accepted(once), "phoenix"), once);
}

TEST(BearerToken, IsWhatFollowsTheScheme) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer   abc "), "abc");
  for (const auto *text : {"", "Bearer", "Bearer ", "Bearerabc", "Basic abc", "Bearer a b", "Bearer a,b"})
    EXPECT_EQ(bearer_token(text), std::nullopt) << text;
}

} // namespace
} // namespace pg_live
