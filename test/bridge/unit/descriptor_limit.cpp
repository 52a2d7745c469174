// Clients get the descriptors that the node does not need itself.
#include "process/descriptor_limit.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(DescriptorLimit, LeavesAReserve) {
  Settings settings;
  EXPECT_EQ(connections_that_fit(settings, 1024), 1024u - 48 - 64 - 11);
  settings.database.read_connections += 10;
  EXPECT_EQ(connections_that_fit(settings, 1024), 1024u - 48 - 64 - 21);
}

TEST(DescriptorLimit, CountsThreeForEachEncryptedConnection) {
  Settings settings;
  settings.tls.port = 4443;
  settings.limits[Limit::handshakes] = 100;
  EXPECT_EQ(connections_that_fit(settings, 4096), (4096u - 100 - 48 - 3 * 64 - 11) / 3);
}

TEST(DescriptorLimit, AllowsNoMoreConnectionsThanTheSetting) {
  Settings settings;
  settings.limits[Limit::connections] = 10;
  EXPECT_EQ(connections_that_fit(settings, 1 << 20), 10u);
}

TEST(DescriptorLimit, AllowsOneConnectionAtLeast) { EXPECT_EQ(connections_that_fit(Settings{}, 64), 1u); }

} // namespace
} // namespace pg_live
