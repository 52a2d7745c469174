// Devices by their User-Agent header.
#include "identity/device_type.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(DeviceType, KnowsBrowsers) {
  EXPECT_EQ(name_of(device_type_of(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36")),
            "web");
  EXPECT_EQ(
      name_of(device_type_of("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
                             "Mobile Safari/537.36")),
      "mobile");
  EXPECT_EQ(
      name_of(device_type_of(
          "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36")),
      "tablet");
  EXPECT_EQ(
      name_of(device_type_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
                             "Gecko) Version/18.0 Mobile/15E148 Safari/604.1")),
      "mobile");
  EXPECT_EQ(
      name_of(device_type_of("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                             "Version/16.0 Mobile/15E148 Safari/604.1")),
      "tablet");
}

TEST(DeviceType, CallsProgramsOther) {
  EXPECT_EQ(name_of(device_type_of("")), "other");
  EXPECT_EQ(name_of(device_type_of("python-websockets/12.0")), "other");
}

} // namespace
} // namespace pg_live
