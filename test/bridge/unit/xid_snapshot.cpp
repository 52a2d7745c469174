// Snapshots as the database prints them.
#include "presence/xid_snapshot.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(XidSnapshot, SeesWhatEndedBeforeIt) {
  const auto snapshot = XidSnapshot::parse("10:20:10,14,15");
  ASSERT_TRUE(snapshot);
  for (const std::uint64_t xid : {1, 9, 11, 13, 16, 19})
    EXPECT_TRUE(snapshot->sees(xid)) << xid;
  for (const std::uint64_t xid : {10, 14, 15, 20, 21})
    EXPECT_FALSE(snapshot->sees(xid)) << xid;
}

TEST(XidSnapshot, ReadsOneWithoutRunningTransactions) {
  const auto snapshot = XidSnapshot::parse("7:7:");
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->sees(6));
  EXPECT_FALSE(snapshot->sees(7));
}

TEST(XidSnapshot, KnowsXidsBeyond32Bits) {
  const auto snapshot = XidSnapshot::parse("5000000000:5000000002:5000000001");
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->sees(5000000000));
  EXPECT_FALSE(snapshot->sees(5000000001));
}

TEST(XidSnapshot, RefusesWhatIsNone) {
  for (const char *text : {"", ":", "1", "1:", "a:b:", "2:1:", "1:2:x", "1:9:5,4", "1:9:5,5",
                           "-1:2:", "1:99999999999999999999:", "1:2:3;4"})
    EXPECT_FALSE(XidSnapshot::parse(text)) << text;
}

} // namespace
} // namespace pg_live
