// The bytes of metadata that the channels of one user hold.
#include "tracker_test.hpp"

#include <functional>

namespace pg_live {
namespace {

// Metadata of that many bytes.
std::string large(std::size_t bytes) { return std::string(bytes, 'x'); }

TEST_F(TrackerTest, RefusesMetadataBeyondTheLimitOfItsUserAndStaysAsItWas) {
  Client &phone = enter("anna");
  Client &desk = enter("anna");
  phone.wish(large(600));
  desk.wish(large(400));
  settle();
  desk.wish(large(401));
  EXPECT_EQ(desk.last_error(), "54000");
  settle();
  EXPECT_EQ(desk.is_tracked_as(), large(400));
  EXPECT_EQ(stored(), (Metas{large(400), large(600)}));
}

TEST_F(TrackerTest, CountsTheMetadataOfEachUserAlone) {
  Client &anna = enter("anna");
  Client &ben = enter("ben");
  for (Client *client : {&anna, &ben})
    client->wish(large(kMostBytes));
  settle();
  EXPECT_EQ(stored(), (Metas{large(kMostBytes), large(kMostBytes)}));
  EXPECT_EQ(tracker.counted_owners(), 2U);
}

TEST_F(TrackerTest, CountsTheMetadataOfEachConnectionWithoutAUserAlone) {
  Client &first = enter("");
  Client &second = enter("");
  for (Client *client : {&first, &second}) {
    client->wish(large(kMostBytes));
    EXPECT_EQ(client->last_error(), "");
    client->wish(large(kMostBytes + 1));
    EXPECT_EQ(client->last_error(), "54000");
  }
  Client &user = enter("connection:" + first.connection().text());
  user.wish(large(kMostBytes));
  EXPECT_EQ(user.last_error(), "");
}

TEST_F(TrackerTest, CountsTheDifferenceWhenMetadataIsReplaced) {
  Client &phone = enter("anna");
  Client &desk = enter("anna");
  phone.wish(large(900));
  settle();
  phone.wish(large(950));
  settle();
  EXPECT_EQ(phone.is_tracked_as(), large(950));
  phone.wish(large(300));
  settle();
  desk.wish(large(701));
  EXPECT_EQ(desk.last_error(), "54000");
  desk.wish(large(700));
  settle();
  EXPECT_EQ(desk.is_tracked_as(), large(700));
}

// The metadata takes the whole limit, so that the next channel fits only after all bytes were given back.
TEST_F(TrackerTest, GivesBytesBackHoweverAWishEnds) {
  using End = std::function<void(Client &)>;
  const std::map<std::string, End> ends = {
      {"untrack", [](Client &client) { client.wish({}); }},
      {"leave", [](Client &client) { client.leave(Departure::of_channel); }},
      {"close", [](Client &client) { client.close(Ending::closed); }},
      {"break off", [](Client &client) { client.close(Ending::broken); }},
      {"sign in", [](Client &client) { client.sign_in_as("ben"); }},
      {"may not", [](Client &client) { client.withdraw(); }},
      {"ended by its user", [this](Client &) { tracker.lost(database.members.begin()->first, LossCause::user); }},
  };
  for (const auto &[name, end] : ends) {
    Client &anna = enter("anna");
    anna.wish(large(kMostBytes));
    settle();
    ASSERT_EQ(anna.is_tracked_as(), large(kMostBytes)) << name;
    end(anna);
    settle();
    Client &other = enter("anna");
    other.wish(large(kMostBytes));
    settle();
    EXPECT_EQ(other.is_tracked_as(), large(kMostBytes)) << name;
    for (Client *client : {&anna, &other})
      client->leave(Departure::of_channel);
    settle();
    EXPECT_EQ(tracker.counted_owners(), 0U) << name;
  }
}

TEST_F(TrackerTest, GivesBytesBackOfWhatTheDatabaseRefuses) {
  Client &anna = enter("anna");
  anna.wish(std::string(kRefusedMeta));
  EXPECT_EQ(tracker.counted_owners(), 1U);
  settle();
  EXPECT_EQ(tracker.counted_owners(), 0U);
}

TEST_F(TrackerTest, GivesBytesBackOfWhatWaitsForTooLong) {
  Client &anna = enter("anna");
  anna.wish("1");
  for (int i = 0; i < 2; ++i)
    queue.grow_older(tracker, {"08001", "away", ""});
  EXPECT_TRUE(anna.is_answered());
  EXPECT_EQ(tracker.counted_owners(), 0U);
}

TEST_F(TrackerTest, KeepsRoomForWhatComesBackWhenItsReplacementIsRefused) {
  Client &phone = enter("anna");
  Client &desk = enter("anna");
  phone.wish(large(900));
  settle();
  phone.wish(std::string(kRefusedMeta));
  desk.wish(large(900));
  EXPECT_EQ(desk.last_error(), "54000");
  settle();
  EXPECT_EQ(stored(), Metas{large(900)});
}

TEST_F(TrackerTest, KeepsCountingWhatTheDatabaseLosesAndStoresAgain) {
  Client &phone = enter("anna");
  Client &desk = enter("anna");
  phone.wish(large(900));
  settle();
  tracker.lost(database.members.begin()->first, LossCause::other);
  desk.wish(large(900));
  EXPECT_EQ(desk.last_error(), "54000");
}

TEST_F(TrackerTest, EndsWhatExceedsTheLimitOfTheUserThatAClientSignsInAs) {
  Client &desk = enter("anna");
  Client &guest = enter("");
  for (Client *client : {&desk, &guest})
    client->wish(large(600));
  settle();
  guest.sign_in_as("anna");
  settle();
  EXPECT_EQ(stored(), Metas{large(600)});
  desk.wish(large(kMostBytes));
  EXPECT_EQ(desk.last_error(), "");
}

} // namespace
} // namespace pg_live
