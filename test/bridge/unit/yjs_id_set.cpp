// Sets of ids and state vectors.
#include "yjs_test.hpp"

#include <gtest/gtest.h>

namespace pg_live::test {
namespace {

using yjs::IdSet;

TEST(YjsIdSet, JoinsRangesThatMeetOrOverlap) {
  EXPECT_EQ(IdSet({{1, 4, 6}, {2, 0, 1}, {1, 0, 2}, {1, 2, 3}, {1, 5, 9}, {1, 7, 8}, {3, 3, 3}}).ranges(),
            (std::vector<yjs::IdRange>{{2, 0, 1}, {1, 0, 3}, {1, 4, 9}}));
}

TEST(YjsIdSet, CoversWhatItHasInOneRangeOfTheClient) {
  const IdSet set({{1, 0, 3}, {1, 5, 9}, {2, 4, 6}});
  for (const IdSet &part : {IdSet(), set, IdSet({{1, 0, 1}, {1, 2, 3}, {1, 6, 9}}), IdSet({{2, 5, 6}})})
    EXPECT_TRUE(set.covers(part));
  for (const IdSet &other : {IdSet({{1, 2, 6}}), IdSet({{1, 3, 4}}), IdSet({{1, 8, 10}}), IdSet({{2, 3, 5}}),
                             IdSet({{3, 0, 1}}), IdSet({{0, 0, 1}})})
    EXPECT_FALSE(set.covers(other));
}

TEST(YjsIdSet, ReadsWhatItWrites) {
  const IdSet set({{1, 0, 3}, {1, 500, 900}, {yjs::max_number, 4, yjs::max_number}});
  std::string bytes;
  append_id_set(bytes, set);
  yjs::ByteReader reader(bytes);
  EXPECT_EQ(yjs::read_id_set(reader), set);
  EXPECT_TRUE(reader.at_end() && !reader.failed());
}

TEST(YjsIdSet, HasAGapBeforeOrBetweenRanges) {
  EXPECT_FALSE(has_gap(IdSet({{1, 0, 3}, {2, 0, 1}})));
  EXPECT_TRUE(has_gap(IdSet({{1, 0, 3}, {2, 1, 2}})));
  EXPECT_TRUE(has_gap(IdSet({{1, 0, 3}, {1, 4, 5}})));
}

TEST(YjsStateVector, EndsAtTheFirstGapOfAClient) {
  const yjs::StateVector state(IdSet({{1, 0, 3}, {1, 5, 9}, {2, 1, 4}, {300, 0, 2}}));
  EXPECT_EQ(encode(state), yjs_bytes({2, 0xac, 2, 2, 1, 3}));
  EXPECT_EQ(state.clock(1), 3U);
  EXPECT_EQ(state.clock(2), 0U);
  EXPECT_EQ(state.structs(), IdSet({{1, 0, 3}, {300, 0, 2}}));
}

TEST(YjsStateVector, TakesClientsInAnyOrder) {
  const auto state = yjs::read_state_vector(yjs_bytes({3, 1, 3, 9, 0, 5, 7}));
  ASSERT_TRUE(state);
  EXPECT_EQ(encode(*state), yjs_bytes({2, 5, 7, 1, 3}));
}

TEST(YjsStateVector, RefusesOtherBytes) {
  const auto fault = [](const std::string &bytes) {
    yjs::Error error{};
    EXPECT_FALSE(yjs::read_state_vector(bytes, &error));
    return error.fault;
  };
  EXPECT_EQ(fault(""), yjs::Fault::truncated);
  EXPECT_EQ(fault(yjs_bytes({2, 1, 3})), yjs::Fault::truncated);
  EXPECT_EQ(fault(yjs_bytes({0xff, 0xff, 0xff, 0xff, 1, 1, 3})), yjs::Fault::truncated);
  EXPECT_EQ(fault(yjs_bytes({1, 1, 3, 0})), yjs::Fault::trailing_bytes);
  EXPECT_EQ(fault(yjs_bytes({2, 1, 3, 1, 4})), yjs::Fault::repeated_client);
  EXPECT_EQ(fault(std::string(20, '\xff')), yjs::Fault::number_too_large);
}

} // namespace
} // namespace pg_live::test
