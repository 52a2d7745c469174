// The PROXY protocol: what a proxy says about its client, and what is none of its prefaces.
#include "http/proxy_preface.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pg_live {
namespace {

using namespace std::string_literals;

const std::string kBeginOfBinary = "\r\n\r\n\0\r\nQUIT\n"s;

// The client's address, "-" for none, with the length; or what is wrong.
std::string read_preface(const std::string &received) {
  const auto parsed = parse_proxy_preface(received);
  if (std::holds_alternative<IncompletePreface>(parsed)) return "incomplete";
  const auto *preface = std::get_if<ProxyPreface>(&parsed);
  if (preface == nullptr) return "malformed";
  return (preface->client ? preface->client->text() : "-") + " " + std::to_string(preface->bytes);
}

std::string binary_preface(char command, char family, const std::string &rest) {
  return kBeginOfBinary + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xFF) + rest;
}

const std::string kV4Addresses = "\xC0\0\2\1\xC0\0\2\2\x12\x34\0\x50"s;
const std::string kV6Addresses = "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1"s + std::string(20, '\0');

TEST(ProxyPreface, OfTheFirstVersionNamesTheClient) {
  EXPECT_EQ(read_preface("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET"), "192.0.2.1 45");
  EXPECT_EQ(read_preface("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"), "2001:db8::1 40");
  EXPECT_EQ(read_preface("PROXY UNKNOWN\r\n"), "- 15");
  EXPECT_EQ(read_preface("PROXY UNKNOWN ffff:f...f:ffff ffff 65535 65535\r\n"), "- 48");
}

TEST(ProxyPreface, OfTheSecondVersionNamesTheClient) {
  EXPECT_EQ(read_preface(binary_preface('\x21', '\x11', kV4Addresses) + "GET"), "192.0.2.1 28");
  EXPECT_EQ(read_preface(binary_preface('\x21', '\x21', kV6Addresses)), "2001:db8::1 52");
  EXPECT_EQ(read_preface(binary_preface('\x21', '\x11', kV4Addresses + "\4\0\1x"s)), "192.0.2.1 32")
      << "with an extension";
  EXPECT_EQ(read_preface(binary_preface('\x20', '\0', "")), "- 16") << "the proxy looks whether the server is there";
  EXPECT_EQ(read_preface(binary_preface('\x21', '\x31', std::string(216, 'x'))), "- 232") << "a Unix socket";
}

TEST(ProxyPreface, MayComeInPieces) {
  for (const std::string &whole :
       {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"s, binary_preface('\x21', '\x11', kV4Addresses)})
    for (std::size_t length = 0; length < whole.size(); ++length)
      EXPECT_EQ(read_preface(whole.substr(0, length)), "incomplete") << length;
}

TEST(ProxyPreface, IsNothingElse) {
  for (const std::string &text :
       {"GET / HTTP/1.1\r\n"s, "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n"s,
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"s, "PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"s, "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 x\r\n"s, "PROXY " + std::string(200, 'x'), "PROXY\r\n"s,
        "\r\n\r\n\0\r\nQUIX\n"s, binary_preface('\x11', '\x11', kV4Addresses),
        binary_preface('\x22', '\x11', kV4Addresses), binary_preface('\x21', '\x11', "short"),
        binary_preface('\x21', '\x21', kV4Addresses), kBeginOfBinary + "\x21\x11\xFF\xFF"s})
    EXPECT_EQ(read_preface(text), "malformed") << text;
}

} // namespace
} // namespace pg_live
