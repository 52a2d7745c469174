// What channels are tracked as, after a storm: what their clients wished last, whatever was held up, refused or lost.
#include "tracker_test.hpp"

#include <random>

namespace pg_live {
namespace {

// Many clients do at random what clients do, while the database is locked, held, cut off, or behind with its signals.
class Storm : public TrackerTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::minstd_rand random_{GetParam()};
  int last_meta_ = 0;

  unsigned dice(unsigned sides) { return random_() % sides; }

  void act(Client &client) {
    switch (dice(16)) {
    case 0:
      return client.wish({});
    case 1:
      return client.wish(std::string(kRefusedMeta));
    case 2:
      return client.leave(Departure::of_channel);
    case 3:
      return client.close(dice(2) == 0 ? Ending::closed : Ending::broken);
    case 4:
      return client.sign_in_as("user " + std::to_string(dice(3)));
    default:
      return client.wish(std::to_string(++last_meta_));
    }
  }
  void disturb() {
    switch (dice(8)) {
    case 0:
      database.locked_users.insert("user " + std::to_string(dice(3)));
      break;
    case 1:
      database.locked_users.clear();
      break;
    case 2:
      queue.resume();
      break;
    case 3:
      database.expire();
      break;
    default:
      if (!database.signals.empty()) hear_signal();
    }
  }
  Outcome outcome() {
    if (dice(64) == 0) return dice(2) == 0 ? Outcome::broken_done : Outcome::broken_undone;
    return dice(8) == 0 ? Outcome::locked : Outcome::done;
  }
  void move_on() {
    if (database.has_to_do() && (dice(2) == 0 || !database.has_answers())) {
      database.execute(outcome());
    } else if (database.has_answers()) {
      database.hear_answer();
    } else {
      finish_batch();
      database.send();
    }
  }
};

TEST_P(Storm, LeavesWhatEveryClientWishesAndNothingElse) {
  for (int n = 0; n < 6; ++n)
    enter("user " + std::to_string(n % 3));
  database.send();
  for (int step = 0; step < 2000; ++step) {
    if (dice(3) == 0) act(*clients[dice(6)]);
    if (dice(3) == 0) disturb();
    move_on();
  }
  while (!database.is_idle())
    move_on();
  finish_batch();
  settle();
  Metas wished;
  std::map<Uuid, int> connected;
  for (const auto &client : clients) {
    EXPECT_TRUE(client->is_answered());
    if (client->is_tracked_as()) wished.push_back(*client->is_tracked_as());
    connected[client->connection()] = database.node();
  }
  std::sort(wished.begin(), wished.end());
  EXPECT_EQ(stored(), wished);
  EXPECT_EQ(database.connections, connected);
  for (const auto &[ref, stored] : database.members)
    EXPECT_TRUE(connected.contains(stored.member.connection)) << ref;
  for (const auto &client : clients)
    client->leave(Departure::of_channel);
  settle();
  EXPECT_EQ(tracker.counted_owners(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, testing::Range(1u, 201u));

} // namespace
} // namespace pg_live
