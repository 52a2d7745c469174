// Addresses and networks: which text is one, and which address is in which network.
#include "base/ip_address.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

using namespace std::string_view_literals;

std::string shortest(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "none";
}

bool is_in(std::string_view network, std::string_view address) {
  return IpNetwork::parse(network).value().contains(IpAddress::parse(address).value());
}

TEST(IpAddress, HasOneShortestForm) {
  EXPECT_EQ(shortest("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(shortest("::ffff:192.0.2.1"), "192.0.2.1") << "the same address, as a socket for both families names it";
  EXPECT_EQ(shortest("2001:DB8:0:0::1"), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("::ffff:c000:201"), IpAddress::parse("192.0.2.1"));
}

TEST(IpAddress, IsNoOtherText) {
  for (const auto text : {""sv, "localhost"sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "1.2.3.4:80"sv,
                          "fe80::1%eth0"sv, " 1.2.3.4"sv, "1.2.3.4\0x"sv, "[::1]"sv, "0x7f.1.1.1"sv})
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
}

TEST(IpAddress, OneClientHasAWholeNetworkOfIpv6ButOneAddressOfIpv4) {
  const auto key = [](std::string_view text) { return IpAddress::parse(text)->client_key(); };
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_EQ(key("192.0.2.1"), key("::ffff:192.0.2.1"));
}

TEST(IpNetwork, HoldsTheAddressesWithItsLeadingBits) {
  EXPECT_TRUE(is_in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(is_in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(is_in("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(is_in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(is_in("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_FALSE(is_in("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(is_in("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(is_in("2001:db8::/32", "2001:db9::1"));
  EXPECT_TRUE(is_in("0.0.0.0/0", "192.0.2.1"));
  EXPECT_FALSE(is_in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(is_in("::/0", "192.0.2.1"));
}

TEST(IpNetwork, IsNoOtherText) {
  for (const auto *text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/8/8", "10.0.0.0/-1",
                           "10.0.0.0/ 8", "4294967296/8", "example.org"})
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
}

TEST(IpAddress, SaysWhatTheKeyOfAClientStandsFor) {
  EXPECT_EQ(text_of_client_key(IpAddress::parse("192.0.2.1")->client_key()), "192.0.2.1");
  EXPECT_EQ(text_of_client_key(IpAddress::parse("2001:db8::1")->client_key()), "2001:db8::/64");
}

} // namespace
} // namespace pg_live
