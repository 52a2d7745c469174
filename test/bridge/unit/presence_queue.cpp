// Batches: how much goes in one, and what comes again.
#include "presence/presence_queue.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

TrackedMember member_with(std::string ref, std::size_t bytes = 2) {
  TrackedMember member;
  member.ref = std::move(ref);
  member.meta.assign(bytes, ' ');
  return member;
}

struct PresenceQueueTest : testing::Test {
  int filled = 0;
  PresenceQueue queue{[this] { ++filled; }};
};

TEST_F(PresenceQueueTest, TellsWheneverThereIsMoreToSend) {
  const Uuid connection = Uuid::random();
  queue.connect({connection, "anna", "web"});
  queue.report_use({connection});
  queue.track(member_with("1"));
  queue.untrack("1");
  queue.disconnect(connection, Ending::closed);
  EXPECT_EQ(filled, 5);
}

TEST_F(PresenceQueueTest, SendsAThousandAtOnce) {
  for (int n = 0; n < 1001; ++n) {
    queue.connect({Uuid::random(), "anna", "web"});
    queue.disconnect(Uuid::random(), Ending::broken);
    queue.track(member_with(std::to_string(n)));
  }
  const PresenceBatch &batch = queue.start_batch();
  EXPECT_EQ(batch.connects.size(), 1000u);
  EXPECT_EQ(batch.broken.size(), 1000u);
  EXPECT_EQ(batch.tracked.size(), 1000u);
  EXPECT_FALSE(queue.empty());
  queue.answered();
  EXPECT_EQ(queue.start_batch().tracked.size(), 1u);
  EXPECT_TRUE(queue.empty());
}

TEST_F(PresenceQueueTest, SendsLessOfLargeMembers) {
  for (int n = 0; n < 10; ++n)
    queue.track(member_with(std::to_string(n), 256 << 10));
  EXPECT_EQ(queue.start_batch().tracked.size(), 2u);
}

struct Nobody final : MemberOwner {
  void stored(const std::string &) override { ++heard; }
  void refused(const std::string &ref, const DatabaseError &) override {
    ++heard;
    refused_refs.push_back(ref);
  }
  void overdue(const std::string &ref, const DatabaseError &) override { overdue_refs.push_back(ref); }
  std::vector<std::string> refused_refs;
  std::vector<std::string> overdue_refs;
  int heard = 0;
};

TEST_F(PresenceQueueTest, FindsWhatIsRefusedByHalvingAndThenSendsMuchAgain) {
  Nobody owner;
  for (int n = 0; n < 5000; ++n)
    queue.track(member_with(std::to_string(n)));
  int batches = 0;
  for (; !queue.empty() && batches < 1000; ++batches) {
    if (queue.start_batch().tracked.contains("2500")) {
      queue.members_refused(owner, {"22023", "out of bounds", ""}, {});
    } else {
      queue.members_stored(owner, {});
    }
    queue.answered();
  }
  EXPECT_EQ(owner.heard, 5000);
  EXPECT_LT(batches, 50);
}

TEST_F(PresenceQueueTest, SendsTheOthersAtOnceWhenItIsKnownWhichAreRefused) {
  Nobody owner;
  const DatabaseError error{"22023", "out of bounds", ""};
  for (int n = 0; n < 1000; ++n)
    queue.track(member_with(std::to_string(n)));
  queue.start_batch();
  queue.untrack("7"); // meanwhile: nobody hears of it any more
  queue.members_refused(owner, error, {{"500", error}, {"7", error}});
  queue.answered();
  EXPECT_EQ(owner.refused_refs, std::vector<std::string>{"500"});
  EXPECT_EQ(queue.start_batch().tracked.size(), 998u);
}

TEST_F(PresenceQueueTest, TellsNothingOfUsersWhomTheDatabaseCannotHold) {
  queue.connect({Uuid::random(), "anna", "web"});
  queue.connect({Uuid::random(), "grüße", "web"});
  const PresenceBatch &batch = queue.start_batch([](const std::string &user) { return user == "anna"; });
  ASSERT_EQ(batch.connects.size(), 1u);
  EXPECT_EQ(batch.connects.begin()->second.user_id, "anna");
}

TEST_F(PresenceQueueTest, FindsMembersThatHaveWaitedForTooLong) {
  Nobody owner;
  const DatabaseError error{"08001", "away", ""};
  queue.track(member_with("1"));
  queue.start_batch();
  queue.grow_older(owner, error);
  queue.track(member_with("2"));
  EXPECT_TRUE(owner.overdue_refs.empty());
  queue.grow_older(owner, error);
  EXPECT_EQ(owner.overdue_refs, std::vector<std::string>{"1"});
}

TEST_F(PresenceQueueTest, ForgetsAConnectionThatIsGoneBeforeItWasTold) {
  const Uuid connection = Uuid::random();
  queue.connect({connection, "anna", "web"});
  queue.disconnect(connection, Ending::closed);
  EXPECT_FALSE(queue.is_connecting(connection));
  const PresenceBatch &batch = queue.start_batch();
  EXPECT_TRUE(batch.connects.empty());
  EXPECT_EQ(batch.closed, std::vector{connection});
}

TEST_F(PresenceQueueTest, EndsWhatBrokeOffAfterWhatIsTrackedThere) {
  TrackedMember member = member_with("1");
  member.connection = Uuid::random();
  const Uuid other = Uuid::random();
  queue.disconnect(member.connection, Ending::broken);
  queue.disconnect(other, Ending::broken);
  queue.track(member);
  EXPECT_EQ(queue.start_batch().broken, std::vector{other});
  queue.answered();
  EXPECT_EQ(queue.start_batch().broken, std::vector{member.connection});
}

TEST_F(PresenceQueueTest, EndsThoseAgainThatSomebodyHeld) {
  const Uuid held = Uuid::random();
  queue.disconnect(Uuid::random(), Ending::broken);
  queue.disconnect(held, Ending::broken);
  queue.start_batch();
  const std::string name = held.text();
  queue.note_done(PresencePart::broken, {name});
  queue.answered();
  EXPECT_TRUE(queue.has_later());
  EXPECT_TRUE(queue.empty());
  queue.resume();
  EXPECT_EQ(queue.start_batch().broken, std::vector{held});
}

TEST_F(PresenceQueueTest, TellsOfAConnectionUntilItIsAnswered) {
  const Uuid connection = Uuid::random();
  queue.connect({connection, "anna", "web"});
  EXPECT_TRUE(queue.is_connecting(connection));
  queue.start_batch();
  EXPECT_TRUE(queue.is_connecting(connection));
  queue.answered();
  EXPECT_FALSE(queue.is_connecting(connection));
}

TEST_F(PresenceQueueTest, HasNothingOnceCleared) {
  queue.untrack("1");
  queue.start_batch();
  queue.postpone(PresencePart::members);
  queue.untrack("2");
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.has_later());
}

struct VisitTest : PresenceQueueTest {
  const Uuid connection = Uuid::random();
  const SessionVisit visit{connection, Uuid::random()};
  std::string name = visit.name();
};

TEST_F(VisitTest, TellsTheLastStateOfAVisit) {
  queue.enter(visit);
  queue.exit(visit);
  EXPECT_TRUE(queue.start_batch().entered.empty());
  EXPECT_TRUE(queue.sent().exited.contains(visit));
  queue.enter(visit); // while its end is on its way
  queue.note_done(PresencePart::exited, {name});
  queue.answered();
  EXPECT_FALSE(queue.has_later());
  EXPECT_TRUE(queue.start_batch().entered.contains(visit));
}

TEST_F(VisitTest, RetriesWhatMetALockedRow) {
  const SessionVisit other{Uuid::random(), visit.session};
  queue.enter(visit);
  queue.enter(other);
  queue.start_batch();
  queue.note_done(PresencePart::entered, {name});
  queue.answered();
  EXPECT_TRUE(queue.empty());
  queue.resume();
  EXPECT_EQ(queue.start_batch().entered, std::set{visit});
}

TEST_F(VisitTest, WaitsForAConnectionWhoseRowIsLocked) {
  const std::string id = connection.text();
  queue.connect({connection, "anna", "web"});
  queue.enter(visit);
  queue.start_batch();
  queue.note_done(PresencePart::connects, {id});
  queue.note_done(PresencePart::entered, {});
  queue.answered();
  queue.resume();
  EXPECT_TRUE(queue.start_batch().entered.contains(visit));
}

TEST_F(VisitTest, WaitsForAConnectionOfACallThatFailed) {
  queue.connect({connection, "anna", "web"});
  queue.enter(visit);
  queue.start_batch();
  queue.postpone(PresencePart::connects);
  queue.note_done(PresencePart::entered, {});
  queue.answered();
  queue.resume();
  EXPECT_TRUE(queue.start_batch().connects.contains(connection));
  EXPECT_TRUE(queue.sent().entered.contains(visit));
}

TEST_F(VisitTest, EndsWithItsConnection) {
  const SessionVisit second{connection, Uuid::random()};
  const SessionVisit other{Uuid::random(), visit.session};
  queue.enter(visit);
  queue.exit(second);
  queue.enter(other);
  queue.disconnect(connection, Ending::closed);
  EXPECT_EQ(queue.start_batch().entered, std::set{other});
  EXPECT_TRUE(queue.sent().exited.empty());
}

TEST_F(VisitTest, SendsAThousandAtOnce) {
  for (int n = 0; n < 1001; ++n)
    queue.enter({Uuid::random(), visit.session});
  EXPECT_EQ(queue.start_batch().entered.size(), 1000u);
  EXPECT_FALSE(queue.empty());
}

} // namespace
} // namespace pg_live
