// The seam of a channel: what it holds back, drops and leaves to a replay.
#include "channel/seam.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pg_live {
namespace {

enum class Kind { durable, signal };

class SeamTest : public testing::Test {
 protected:
  void take(std::int64_t batch, std::int64_t id, Kind kind = Kind::durable, std::string_view text = "") {
    const LiveEvent event{
        .position = {batch, id}, .topic = {}, .event = {}, .payload = {}, .durable = kind == Kind::durable};
    seam_.handle(event, websocket::Frame::from_bytes(text.empty() ? std::to_string(id) : std::string(text)), send_);
  }

  void end_replay(std::optional<Position> replayed) { seam_.end_replay({std::nullopt, replayed}, std::nullopt, send_); }

  Seam seam_;
  std::vector<std::string> sent_;
  Seam::Send send_ = [this](const websocket::Frame &frame) { sent_.emplace_back(frame.bytes()); };
};

using Sent = std::vector<std::string>;

TEST_F(SeamTest, HoldsLiveEventsDuringAReplayAndDropsTheReplayedOnes) {
  seam_.begin_replay();
  take(1, 1);
  take(1, 2);
  take(2, 3, Kind::signal);
  take(3, 4);
  EXPECT_EQ(sent_, Sent{});
  end_replay(Position{1, 2});
  EXPECT_EQ(sent_, (Sent{"3", "4"}));
  EXPECT_TRUE(seam_.done());
  EXPECT_EQ(seam_.deferred_bytes(), 0U);
}

TEST_F(SeamTest, SendsAllThatWaitedIfNothingWasReplayed) {
  seam_.begin_replay();
  take(1, 1);
  end_replay(std::nullopt);
  EXPECT_EQ(sent_, Sent{"1"});
}

TEST_F(SeamTest, DropsWhatWasReplayedAlsoIfItComesLater) {
  seam_.begin_replay();
  end_replay(Position{2, 5});
  EXPECT_FALSE(seam_.done());
  take(2, 5);
  take(2, 6);
  EXPECT_EQ(sent_, Sent{"6"});
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, DropsAllThatCameBeforeTheEventThatTheClientResumesFrom) {
  seam_.begin_replay();
  take(1, 1);
  take(1, 2, Kind::signal);
  seam_.end_replay({Position{2, 4}, Position{3, 6}}, Position{1, 2}, send_);
  take(2, 3, Kind::signal);
  take(2, 4);
  EXPECT_EQ(sent_, Sent{});
  take(2, 5, Kind::signal);
  take(3, 6);
  take(3, 7);
  EXPECT_EQ(sent_, (Sent{"5", "7"}));
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, WaitsForNothingThatTheStreamHasPassed) {
  seam_.begin_replay();
  seam_.end_replay({Position{2, 4}, Position{3, 6}}, Position{3, 6}, send_);
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, LeavesDurableEventsToAReplayAndKeepsSignals) {
  seam_.begin_replay();
  seam_.begin_page();
  take(1, 1, Kind::durable, "durable");
  take(1, 2, Kind::signal, "signal");
  EXPECT_FALSE(seam_.has_left());
  seam_.leave_to_replay();
  EXPECT_TRUE(seam_.has_left());
  EXPECT_EQ(seam_.deferred_bytes(), std::string("signal").size());
  seam_.begin_page();
  EXPECT_FALSE(seam_.has_left());
  seam_.leave_to_replay();
  EXPECT_FALSE(seam_.has_left()) << "nothing was left since";
  end_replay(Position{1, 1});
  EXPECT_EQ(sent_, Sent{"signal"});
}

TEST_F(SeamTest, LeavesNothingToAReplayThatIsOver) {
  seam_.begin_own();
  take(1, 1);
  seam_.leave_to_replay();
  EXPECT_FALSE(seam_.has_left());
  seam_.end_own(std::nullopt, send_);
  EXPECT_EQ(sent_, Sent{"1"});
}

TEST_F(SeamTest, SendsAClientNothingBackThatItSentItself) {
  seam_.begin_own();
  take(1, 7, Kind::signal);
  take(1, 8, Kind::signal);
  EXPECT_EQ(sent_, Sent{}) << "which of them it is, is not known yet";
  seam_.end_own(7, send_);
  EXPECT_EQ(sent_, Sent{"8"});
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, KeepsTheOrderWhileAnOwnEventIsUnderWay) {
  take(1, 1, Kind::signal);
  seam_.begin_own();
  take(1, 2, Kind::signal);
  seam_.begin_own();
  take(1, 3, Kind::signal);
  EXPECT_EQ(sent_, Sent{"1"});
  seam_.end_own(std::nullopt, send_);
  EXPECT_EQ(sent_, (Sent{"1", "2"}));
  seam_.end_own(3, send_);
  EXPECT_EQ(sent_, (Sent{"1", "2"}));
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, KeepsInMindThatAReplayWasLeftEventsUntilTheNextPage) {
  seam_.begin_replay();
  take(1, 1);
  seam_.leave_to_replay();
  seam_.leave_to_replay();
  EXPECT_TRUE(seam_.has_left());
}

// A signal is in no log, so no replay has sent it, wherever it stands.
TEST_F(SeamTest, SendsASignalThatStandsBeforeTheEndOfTheReplay) {
  seam_.begin_replay();
  end_replay(Position{2, 5});
  take(2, 4, Kind::signal);
  take(3, 6, Kind::signal);
  take(2, 5);
  EXPECT_EQ(sent_, (Sent{"4", "6"})) << "and still knows what was replayed";
}

TEST_F(SeamTest, RemembersTheLastSixtyFourOwnEvents) {
  for (std::int64_t id = 1; id <= 65; ++id) {
    seam_.begin_own();
    seam_.end_own(id, send_);
  }
  take(1, 1, Kind::signal);
  EXPECT_EQ(sent_, Sent{"1"}) << "65 were too many";
  take(1, 2, Kind::signal);
  take(1, 65, Kind::signal);
  EXPECT_EQ(sent_, Sent{"1"});
}

TEST_F(SeamTest, IsNeededDuringAReplay) {
  seam_.begin_replay();
  EXPECT_FALSE(seam_.done());
  end_replay(std::nullopt);
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, IsNeededUntilABroadcastIsAnsweredAndItsEventHasComeBack) {
  seam_.begin_own();
  EXPECT_FALSE(seam_.done());
  seam_.end_own(7, send_);
  EXPECT_FALSE(seam_.done());
  take(1, 7, Kind::signal);
  EXPECT_TRUE(seam_.done());
}

TEST_F(SeamTest, IsNotNeededAfterABroadcastThatFailed) {
  seam_.begin_own();
  seam_.end_own(std::nullopt, send_);
  EXPECT_TRUE(seam_.done());
}

} // namespace
} // namespace pg_live
