// A plain request is redirected to the encrypted port of the host that it names, and to nothing else.
#include "http/plain_http.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TlsSettings redirecting(std::uint16_t port) {
  TlsSettings tls;
  tls.port = port;
  tls.plain_http = PlainHttp::redirect;
  return tls;
}

// The address that a request for that host is sent to, or the status of another answer.
std::string location(const std::string &host, std::uint16_t port = 4443) {
  const std::string text = "GET /a?b=%2F HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  const auto head = parse_request_head(text);
  const auto answer = answer_to_plain(std::get<RequestHead>(head), redirecting(port));
  return answer->status == 308 ? answer->headers.at(0).second : std::to_string(answer->status);
}

TEST(PlainHttp, IsRedirectedToTheSameHostAndTarget) {
  EXPECT_EQ(location("app.example"), "https://app.example:4443/a?b=%2F");
  EXPECT_EQ(location("app.example:4000"), "https://app.example:4443/a?b=%2F");
  EXPECT_EQ(location("app.example:80", 443), "https://app.example/a?b=%2F");
  EXPECT_EQ(location("[2001:db8::1]:4000"), "https://[2001:db8::1]:4443/a?b=%2F");
  EXPECT_EQ(location("[2001:db8::1]"), "https://[2001:db8::1]:4443/a?b=%2F");
}

TEST(PlainHttp, IsNotRedirectedToWhatIsNoHost) {
  for (const auto *host : {"", ":4000", "a@b", "a/b", "a b", "a?b", "a#b", "a%2F"})
    EXPECT_EQ(location(host), "400") << host;
}

TEST(PlainHttp, IsServedOrRefusedAsSet) {
  const auto head = parse_request_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  TlsSettings tls = redirecting(443);
  tls.plain_http = PlainHttp::serve;
  EXPECT_FALSE(answer_to_plain(std::get<RequestHead>(head), tls));
  tls.plain_http = PlainHttp::refuse;
  EXPECT_EQ(answer_to_plain(std::get<RequestHead>(head), tls)->status, 403);
}

TEST(PlainHttp, IsForbiddenToBrowsersOnlyWhereItIsNotServed) {
  TlsSettings tls = redirecting(443);
  HttpResponse response;
  demand_encryption(response, tls);
  EXPECT_EQ(response.headers.at(0).second, "max-age=31536000");
  for (const auto plain : {PlainHttp::serve, PlainHttp::redirect}) {
    HttpResponse other;
    tls.plain_http = plain;
    tls.hsts_seconds = plain == PlainHttp::serve ? 60 : 0;
    demand_encryption(other, tls);
    EXPECT_TRUE(other.headers.empty());
  }
}

} // namespace
} // namespace pg_live
