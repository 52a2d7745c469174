// Keys of tickets: nobody can know them, and workers have the same.
#include "process/ticket_keys.hpp"

#include "process/settings.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TEST(TicketKeys, AreNewInEachProgramAndTheSameInCopiesOfItsSettings) {
  const Settings settings;
  const Settings of_worker = settings;
  EXPECT_EQ(of_worker.tls.ticket_keys.bytes(), settings.tls.ticket_keys.bytes());
  EXPECT_NE(Settings{}.tls.ticket_keys.bytes(), settings.tls.ticket_keys.bytes());
  EXPECT_NE(settings.tls.ticket_keys.bytes(), TicketKeys::Bytes{});
}

} // namespace
} // namespace pg_live
