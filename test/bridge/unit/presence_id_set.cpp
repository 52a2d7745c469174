// The set of what has a presence id: what is found, and that finding it does not ask all the others for theirs.
#include "connection/presence_id_set.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace pg_live {
namespace {

class Visitor {
 public:
  const Uuid &presence_id() const {
    ++asked;
    return id_;
  }

  static inline std::size_t asked = 0; // of all visitors

 private:
  Uuid id_ = Uuid::random();
};

TEST(PresenceIdSet, FindsWhatWasAddedAndNotRemoved) {
  std::vector<Visitor> visitors(100);
  PresenceIdSet<Visitor> set;
  for (Visitor &visitor : visitors)
    set.add(visitor);
  set.remove(visitors[7]);
  EXPECT_EQ(set.size(), 99U);
  for (Visitor &visitor : visitors)
    EXPECT_EQ(set.find(visitor.presence_id()), &visitor == &visitors[7] ? nullptr : &visitor);
  EXPECT_EQ(set.find(Uuid()), nullptr);
  const std::set<Visitor *> all(set.begin(), set.end());
  EXPECT_EQ(all.size(), 99U);
  EXPECT_FALSE(all.contains(&visitors[7]));
}

TEST(PresenceIdSet, AsksFewForTheirIdHoweverManyThereAre) {
  std::vector<Visitor> visitors(20'000);
  PresenceIdSet<Visitor> set;
  for (Visitor &visitor : visitors)
    set.add(visitor);
  Visitor::asked = 0;
  for (int lookup = 0; lookup < 1000; ++lookup)
    EXPECT_EQ(set.find(Uuid::random()), nullptr);
  EXPECT_LT(Visitor::asked, 20'000U) << "a single walk asks as many";
}

} // namespace
} // namespace pg_live
