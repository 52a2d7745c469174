// Random names are UUIDs of version 4, and no two are the same.
#include "uuid.hpp"

#include <gtest/gtest.h>
#include <set>

namespace pg_live {
namespace {

TEST(Uuid, IsPrintedAsPostgresqlDoes) {
  EXPECT_EQ(to_text(Uuid{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}),
            "00010203-0405-0607-0809-0a0b0c0d0eff");
}

TEST(Uuid, IsOfVersionFourAndNeverTheSameTwice) {
  std::set<Uuid> seen;
  for (int n = 0; n < 1000; ++n) {
    const Uuid uuid = random_uuid();
    EXPECT_EQ(to_text(uuid)[14], '4');
    EXPECT_NE(std::string("89ab").find(to_text(uuid)[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

} // namespace
} // namespace pg_live
