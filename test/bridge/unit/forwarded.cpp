// The client behind proxies: what they appended counts, and what the client sent does not.
#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace pg_live {
namespace {

const std::array kProxies = {IpNetwork::parse("10.0.0.0/8").value(), IpNetwork::parse("2001:db8:1::/48").value()};

std::string client_of(const std::string &headers, ForwardedHeader header = ForwardedHeader::x_forwarded_for) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n\r\n";
  const auto head = parse_request_head(text);
  return forwarded_client(std::get<RequestHead>(head), header, IpAddress::parse("10.0.0.1").value(), kProxies).text();
}

std::string standard_client_of(const std::string &headers) { return client_of(headers, ForwardedHeader::forwarded); }

TEST(ForwardedClient, IsTheLastAddressThatIsNoTrustedProxy) {
  EXPECT_EQ(client_of("X-Forwarded-For: 192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_of("X-Forwarded-For: 192.0.2.1, 10.0.0.9"), "192.0.2.1");
  EXPECT_EQ(client_of("x-forwarded-for: 192.0.2.1\r\nX-Forwarded-For: 2001:db8:1::2"), "192.0.2.1");
  EXPECT_EQ(client_of("X-Forwarded-For: 10.0.0.3, 10.0.0.2"), "10.0.0.3") << "a request from within";
  EXPECT_EQ(client_of("X-Real-IP: 192.0.2.1"), "10.0.0.1");
}

TEST(ForwardedClient, IsNotWhatTheClientSent) {
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.7, 192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_of("X-Forwarded-For: 10.0.0.5, 192.0.2.1, 10.0.0.2"), "192.0.2.1");
  EXPECT_EQ(client_of("X-Forwarded-For: \", 192.0.2.1"), "192.0.2.1") << "a quote means nothing there";
  EXPECT_EQ(client_of("Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 203.0.113.7"), "192.0.2.1");
}

TEST(ForwardedClient, IsTheNearestAddressWhereAProxyWroteNone) {
  EXPECT_EQ(client_of("X-Forwarded-For: 192.0.2.1, unknown"), "10.0.0.1");
  EXPECT_EQ(client_of("X-Forwarded-For: 192.0.2.1, _hidden, 10.0.0.2"), "10.0.0.2");
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1, proto=https"), "10.0.0.1");
}

TEST(ForwardedClient, MayHaveAPort) {
  EXPECT_EQ(client_of("X-Forwarded-For: 192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(client_of("X-Forwarded-For: [2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(client_of("X-Forwarded-For: 2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(client_of("X-Forwarded-For: [2001:db8::1"), "10.0.0.1");
}

TEST(ForwardedClient, IsNotWhatAProxyQuotes) {
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1;host=\"a,for=203.0.113.7;x\""), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: host=\"a;for=203.0.113.7;b\";for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: host=\"a\\\";for=203.0.113.7\";for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1;host=\"a, for=203.0.113.7"), "192.0.2.1")
      << "the quote does not end";
}

TEST(ForwardedClient, IsReadFromTheStandardHeaderToo) {
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1;proto=https;by=203.0.113.43"), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: proto=https; For=\"[2001:db8::1]:4711\""), "2001:db8::1");
  EXPECT_EQ(standard_client_of("Forwarded: for=192.0.2.1, for=10.0.0.9;by=x"), "192.0.2.1");
  EXPECT_EQ(standard_client_of("Forwarded: for, for=, =, ;"), "10.0.0.1");
}

} // namespace
} // namespace pg_live
