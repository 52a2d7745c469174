// The subprotocols of a handshake: Phoenix, and a token.
#include "wire/phoenix/phoenix_handshake.hpp"

#include "base/base64url.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pg_live::phoenix {
namespace {

std::optional<Handshake> handshake_with(const std::vector<std::string_view> &subprotocols) {
  return read_handshake(subprotocols);
}

TEST(PhoenixHandshake, HasTheTokenOfASubprotocol) {
  const std::string token(2000, 't');
  const std::string offered = "base64url.bearer.phx." + encode_base64url(token);
  for (const auto &list : {std::vector<std::string_view>{"phoenix", offered}, {offered, "other", "phoenix"}}) {
    const auto handshake = handshake_with(list);
    ASSERT_TRUE(handshake);
    EXPECT_EQ(handshake->subprotocol, "phoenix");
    EXPECT_EQ(handshake->token, token);
  }
}

TEST(PhoenixHandshake, RefusesAMalformedToken) {
  for (const auto *token : {"base64url.bearer.phx.dG9r=", "base64url.bearer.phx.dG9", "base64url.bearer.phx.dG+r",
                            "base64url.bearer.phx.d"})
    EXPECT_FALSE(handshake_with({"phoenix", token})) << token;
}

TEST(PhoenixHandshake, RefusesTwoTokens) {
  EXPECT_FALSE(handshake_with({"base64url.bearer.phx.dG9r", "base64url.bearer.phx.dG9r"}));
}

TEST(PhoenixHandshake, TakesAnEmptyTokenForNone) {
  EXPECT_EQ(handshake_with({"phoenix", "base64url.bearer.phx."})->token, "");
}

TEST(PhoenixHandshake, SelectsNoOtherSubprotocol) {
  for (const auto *name : {"Phoenix", "phoenix2", "graphql-ws", ""})
    EXPECT_EQ(handshake_with({name})->subprotocol, "") << name;
}

} // namespace
} // namespace pg_live::phoenix
