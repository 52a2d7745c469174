// SipHash against the vectors of its authors' reference implementation.
#include "base/siphash.hpp"

#include <gtest/gtest.h>
#include <string>

namespace pg_live {
namespace {

constexpr SipKey kReferenceKey{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};

std::string counting_bytes(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += static_cast<char>(i);
  return bytes;
}

TEST(SipHash, AgreesWithTheReferenceVectors) {
  EXPECT_EQ(siphash(kReferenceKey, counting_bytes(0)), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(siphash(kReferenceKey, counting_bytes(1)), 0x74f839c593dc67fdU);
  EXPECT_EQ(siphash(kReferenceKey, counting_bytes(8)), 0x93f5f5799a932462U);
  EXPECT_EQ(siphash(kReferenceKey, counting_bytes(15)), 0xa129ca6149be45e5U);
  EXPECT_EQ(siphash(kReferenceKey, counting_bytes(63)), 0x958a324ceb064572U);
}

TEST(SipHash, DependsOnTheKey) { EXPECT_NE(siphash({1, 2}, "room:1"), siphash({1, 3}, "room:1")); }

TEST(SipHash, RandomKeysDiffer) { EXPECT_NE(SipKey::random().k0, SipKey::random().k0); }

} // namespace
} // namespace pg_live
