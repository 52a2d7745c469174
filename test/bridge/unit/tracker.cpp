// What a channel is tracked as, when something comes in between.
#include "tracker_test.hpp"

namespace pg_live {
namespace {

TEST_F(TrackerTest, StoresWhatAClientWishes) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
  EXPECT_TRUE(anna.is_answered());
  anna.wish("2");
  tell();
  EXPECT_EQ(stored(), Metas{"2"});
  anna.wish({});
  tell();
  EXPECT_EQ(stored(), Metas{});
}

TEST_F(TrackerTest, AnswersWhatWaitsForTooLongAndStaysAsItWas) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  anna.wish("2");
  anna.wish("3");
  for (int i = 0; i < 2; ++i)
    queue.grow_older(tracker, {"08001", "away", ""});
  EXPECT_TRUE(anna.is_answered());
  settle();
  EXPECT_EQ(anna.is_tracked_as(), "1");
  EXPECT_EQ(stored(), Metas{"1"});
}

TEST_F(TrackerTest, EndsWhatIsStoredAfterItHasWaitedForTooLong) {
  Client &anna = enter("anna");
  anna.wish("1");
  database.send(); // stored by and by
  for (int i = 0; i < 2; ++i)
    queue.grow_older(tracker, {"08001", "away", ""});
  EXPECT_TRUE(anna.is_answered());
  answer();
  settle();
  EXPECT_EQ(stored(), Metas{});
  anna.wish("2");
  settle();
  EXPECT_EQ(stored(), Metas{"2"});
}

TEST_F(TrackerTest, SendsTheLatestOfManyWishes) {
  Client &anna = enter("anna");
  for (const auto *meta : {"1", "2", "3"})
    anna.wish(meta);
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
  tell();
  EXPECT_EQ(stored(), Metas{"3"});
  EXPECT_TRUE(anna.is_answered());
}

TEST_F(TrackerTest, DoesNotStoreAgainWhatWasReplacedWhileSomebodyHeldIt) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  start_over();
  database.send();
  anna.wish("2"); // while "1" is on its way again
  database.locked_users.insert("anna");
  answer();
  database.locked_users.clear();
  tell();
  queue.resume();
  tell();
  EXPECT_EQ(stored(), Metas{"2"});
}

TEST_F(TrackerTest, DoesNotConnectAgainWhoHasGoneWhileTheDatabaseWasLocked) {
  Client &anna = enter("anna");
  database.send();
  const Uuid connection = anna.connection();
  anna.close(Ending::closed);
  answer(Outcome::locked);
  tell();
  queue.resume();
  tell();
  EXPECT_FALSE(database.connections.contains(connection));
}

TEST_F(TrackerTest, StoresAgainWhatIsLostBeforeItIsKnownToBeStored) {
  Client &anna = enter("anna");
  anna.wish("1");
  database.send();
  while (database.has_to_do())
    database.execute(Outcome::done);
  tracker.lost(database.members.begin()->first, LossCause::other);
  database.members.clear();
  answer();
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
}

TEST_F(TrackerTest, LeavesNothingOnAConnectionThatEndedWhenItsUserSignedOut) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell(Outcome::locked);
  anna.sign_in_as("anna");
  tell();
  queue.resume(); // "1" for the connection that has ended
  tell();
  anna.close(Ending::closed);
  tell();
  EXPECT_EQ(stored(), Metas{});
}

TEST_F(TrackerTest, RefusesNobodyElseForValuesOutOfBounds) {
  Client &anna = enter("anna");
  Client &ben = enter("ben");
  anna.wish(std::string(kRefusedMeta));
  ben.wish("1");
  for (int batch = 0; batch < 3; ++batch)
    tell();
  EXPECT_EQ(stored(), Metas{"1"});
  EXPECT_TRUE(anna.is_answered());
  EXPECT_EQ(anna.is_tracked_as(), std::nullopt);
}

TEST_F(TrackerTest, RefusesNobodyForWhatSomebodyElseHasTakenBackMeanwhile) {
  Client &anna = enter("anna");
  Client &ben = enter("ben");
  anna.wish(std::string(kRefusedMeta));
  ben.wish("1");
  database.send();
  anna.leave(Departure::of_channel);
  answer();
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
  EXPECT_EQ(ben.is_tracked_as(), "1");
}

TEST_F(TrackerTest, HoldsWhatWasStoredWhenAChangeIsRefusedAfterTheNodeStartedOver) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  anna.wish(std::string(kRefusedMeta));
  tell(Outcome::broken_undone);
  tell();
  tell();
  ASSERT_EQ(stored(), Metas{"1"});
  EXPECT_EQ(database.members.begin()->second.node, database.node());
}

TEST_F(TrackerTest, StaysWithWhatWasStoredWhenAChangeIsRefused) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  anna.wish(std::string(kRefusedMeta));
  settle();
  EXPECT_EQ(stored(), Metas{"1"});
  EXPECT_EQ(anna.is_tracked_as(), "1");
}

TEST_F(TrackerTest, EndsTheMemberOfAUserWhoMayNotTrackAlsoIfAChangeIsRefusedThen) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  anna.wish(std::string(kRefusedMeta));
  database.send();
  anna.withdraw();
  answer();
  settle();
  EXPECT_EQ(stored(), Metas{});
  EXPECT_TRUE(anna.is_answered());
}

TEST_F(TrackerTest, EndsTheMemberOfAUserWhoWentOfflineAlsoIfItsAnswerIsOverdue) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  anna.wish("2");
  database.send();
  while (database.has_to_do())
    database.execute(Outcome::done);
  tracker.lost(database.members.begin()->first, LossCause::user);
  database.members.clear();
  for (int i = 0; i < 2; ++i)
    queue.grow_older(tracker, {"08001", "away", ""});
  answer();
  settle();
  EXPECT_EQ(stored(), Metas{});
}

TEST_F(TrackerTest, RefusesAWaitingWishOfAUserWhoMayNotTrack) {
  Client &anna = enter("anna");
  anna.wish("1");
  database.send();
  anna.wish("2");
  anna.withdraw();
  EXPECT_EQ(anna.last_error(), "42501");
  answer();
  settle();
  EXPECT_EQ(stored(), Metas{});
  EXPECT_TRUE(anna.is_answered());
  anna.wish("3");
  settle();
  EXPECT_EQ(stored(), Metas{"3"}) << "a later wish counts again";
}

TEST_F(TrackerTest, WaitsUntilItIsKnownWhatTheChannelMayDo) {
  Client &anna = enter("anna");
  anna.settled = false;
  anna.wish("1");
  tell();
  EXPECT_EQ(stored(), Metas{});
  anna.settled = true;
  anna.check();
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
}

TEST_F(TrackerTest, EndsLaterWhatSomebodyHeld) {
  Client &anna = enter("anna");
  anna.wish("1");
  tell();
  database.locked_users.insert("anna");
  anna.wish({});
  tell();
  EXPECT_EQ(stored(), Metas{"1"});
  database.locked_users.clear();
  queue.resume();
  tell();
  EXPECT_EQ(stored(), Metas{});
}

TEST_F(TrackerTest, LimitsTheWishesThatWait) {
  Client &anna = enter("anna");
  Tracking tracking(anna);
  for (int n = 0; n <= 100; ++n)
    EXPECT_FALSE(tracker.wish(tracking, std::to_string(n), "1"));
  EXPECT_EQ(tracker.wish(tracking, "too much", "1")->sqlstate, "53400");
  tracker.leave(tracking, Departure::of_channel);
}

} // namespace
} // namespace pg_live
