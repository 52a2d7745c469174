// Updates that overlap, leave gaps and come in any order; what a peer lacks; what a log has.
#include "yjs_test.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace pg_live::test {
namespace {

using yjs::SnapshotVerdict;

// An update with structs of client 1 from a clock on.
std::string of_client(unsigned clock, unsigned struct_count, std::string_view structs) {
  return yjs_bytes({1, struct_count, 1, clock}).append(structs) + '\0';
}

std::string garbage(unsigned clock, unsigned length) { return of_client(clock, 1, yjs_bytes({0, length})); }

// A text in the shared type "t".
std::string text_item(std::string_view text) {
  std::string item = yjs_bytes({4, 1, 1, 't'});
  yjs::append_byte_string(item, text);
  return item;
}

std::string merged(const std::vector<std::string> &updates) { return merge_yjs(updates); }

std::string after(unsigned clock, const std::string &update) {
  return yjs::diff(yjs_update(update), *yjs::read_state_vector(yjs_bytes({1, 1, clock})));
}

TEST(YjsMerge, OfNothingIsTheEmptyUpdate) { EXPECT_EQ(merged({}), yjs_bytes({0, 0})); }

TEST(YjsMerge, ReturnsOneUpdateAsItIs) {
  const std::string unsorted = yjs_bytes({2, 1, 1, 0, 0, 1, 1, 7, 0, 0, 1, 0});
  EXPECT_EQ(merged({unsorted}), unsorted);
  EXPECT_EQ(merged({unsorted, unsorted}), yjs_bytes({2, 1, 7, 0, 0, 1, 1, 1, 0, 0, 1, 0}));
}

TEST(YjsMerge, WritesASkipForAGap) {
  const std::string with_gap = of_client(0, 3, yjs_bytes({0, 1, 10, 2, 0, 1}));
  EXPECT_EQ(merged({garbage(3, 1), garbage(0, 1)}), with_gap);
  EXPECT_EQ(merged({with_gap, with_gap}), with_gap);
}

TEST(YjsMerge, FillsAGapThatItWasGiven) {
  const std::string with_gap = of_client(2, 3, yjs_bytes({0, 1, 10, 2, 0, 1}));
  EXPECT_EQ(yjs_update(merged({with_gap, garbage(0, 6)})).contents.structs, yjs::IdSet({{1, 0, 6}}));
}

TEST(YjsMerge, JoinsGarbageThatOverlaps) {
  EXPECT_EQ(merged({garbage(0, 3), garbage(2, 4), garbage(1, 2)}), garbage(0, 6));
}

TEST(YjsMerge, TakesTheRestOfAnItemThatBeginsEarlier) {
  EXPECT_EQ(merged({of_client(0, 1, text_item("ab")), of_client(0, 1, text_item("abcd"))}),
            of_client(0, 2, text_item("ab") + yjs_bytes({0x84, 1, 1, 2, 'c', 'd'})));
}

TEST(YjsDiff, DividesEachContentThatHasALength) {
  EXPECT_EQ(after(2, of_client(0, 1, text_item("a日bc"))), of_client(2, 1, yjs_bytes({0x84, 1, 1, 2, 'b', 'c'})));
  EXPECT_EQ(after(3, garbage(0, 100)), garbage(3, 97));
  EXPECT_EQ(after(3, of_client(0, 1, yjs_bytes({1, 1, 1, 't', 9}))), of_client(3, 1, yjs_bytes({0x81, 1, 2, 6})));
  EXPECT_EQ(after(1, of_client(0, 1, yjs_bytes({2, 1, 1, 't', 2, 1, '1', 2, '2', '3'}))),
            of_client(1, 1, yjs_bytes({0x82, 1, 0, 1, 2, '2', '3'})));
  EXPECT_EQ(after(2, of_client(0, 1, yjs_bytes({8, 1, 1, 't', 3, 0x75, 2, 0x7e, 0x76, 0, 0x7d, 5, 0x78}))),
            of_client(2, 1, yjs_bytes({0x88, 1, 1, 1, 0x78})));
}

TEST(YjsDiff, ReplacesTheHalfOfASurrogatePair) {
  const std::string update = of_client(0, 1, text_item("a\xf0\x9f\x91\x8d!"));
  EXPECT_EQ(after(2, update), of_client(2, 1, yjs_bytes({0x84, 1, 1, 4, 0xef, 0xbf, 0xbd, '!'})));
  EXPECT_EQ(after(3, update), of_client(3, 1, yjs_bytes({0x84, 1, 2, 1, '!'})));
  EXPECT_EQ(yjs_update(after(2, update)).contents.structs, yjs::IdSet({{1, 2, 4}}));
}

TEST(YjsDiff, KeepsTheMarkOfAKeyAsYjsDoes) {
  EXPECT_EQ(after(1, of_client(0, 1, yjs_bytes({0x24, 1, 1, 't', 1, 'k', 2, 'a', 'b'}))),
            of_client(1, 1, yjs_bytes({0xa4, 1, 0, 1, 'b'})));
}

TEST(YjsDiff, HasAllDeletionsAndTheSkipsAfterItsFirstStruct) {
  const std::string update = yjs_bytes({1, 4, 1, 2, 10, 1, 0, 1, 10, 2, 0, 1, 1, 9, 1, 0, 4});
  EXPECT_EQ(after(0, update), yjs_bytes({1, 3, 1, 3, 0, 1, 10, 2, 0, 1, 1, 9, 1, 0, 4}));
  EXPECT_EQ(after(5, update), yjs_bytes({1, 1, 1, 6, 0, 1, 1, 9, 1, 0, 4}));
  EXPECT_EQ(after(7, update), yjs_bytes({0, 1, 9, 1, 0, 4}));
}

TEST(YjsLog, HasWhatAddsNothing) {
  const yjs::Contents log = yjs_update(yjs_bytes({1, 1, 1, 0, 0, 5, 1, 1, 1, 0, 3})).contents;
  EXPECT_TRUE(yjs::has(log, yjs_update(yjs_bytes({0, 0})).contents));
  EXPECT_TRUE(yjs::has(log, yjs_update(yjs_bytes({1, 1, 1, 2, 0, 3, 1, 1, 1, 1, 2})).contents));
  EXPECT_FALSE(yjs::has(log, yjs_update(garbage(4, 2)).contents));
  EXPECT_FALSE(yjs::has(log, yjs_update(yjs_bytes({0, 1, 1, 1, 2, 2})).contents));
}

TEST(YjsLog, RefusesASnapshotWithLess) {
  const auto verdict = [](const std::string &snapshot, const std::string &log) {
    return yjs::verify_snapshot(yjs_update(snapshot).contents, yjs_update(log).contents);
  };
  const std::string log = yjs_bytes({1, 1, 1, 0, 0, 5, 1, 1, 1, 0, 3});
  EXPECT_EQ(verdict(log, log), SnapshotVerdict::complete);
  EXPECT_EQ(verdict(log, garbage(1, 3)), SnapshotVerdict::complete);
  EXPECT_EQ(verdict(garbage(0, 4), log), SnapshotVerdict::lacks_structs);
  EXPECT_EQ(verdict(garbage(0, 9), log), SnapshotVerdict::lacks_deletions);
  EXPECT_EQ(verdict(garbage(1, 9), log), SnapshotVerdict::has_gap);
  EXPECT_EQ(verdict(merged({garbage(0, 9), garbage(10, 1)}), log), SnapshotVerdict::has_gap);
}

// Shuffles the updates of each vector and cuts them into two parts at random, for a fixed seed.
class YjsProperties : public testing::TestWithParam<unsigned> {
 protected:
  template <typename Check>
  void with_each_vector(Check check) {
    for (const YjsVector &vector : yjs_vectors()) {
      std::vector<std::string> updates = vector.updates;
      std::shuffle(updates.begin(), updates.end(), random_);
      const std::span<const std::string> all = updates;
      const std::size_t cut = random_() % (updates.size() + 1);
      check(all.first(cut), all.subspan(cut), contents_of(all));
    }
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(YjsProperties, MergeHasTheSameWhateverTheOrderAndTheParts) {
  with_each_vector([](auto first, auto second, const yjs::Contents &all) {
    const yjs::Contents of_parts = yjs_update(merged({merge_yjs(first), merge_yjs(second)})).contents;
    EXPECT_EQ(of_parts.structs, all.structs);
    EXPECT_EQ(of_parts.deleted, all.deleted);
    EXPECT_EQ(encode(yjs::StateVector(of_parts.structs)), encode(yjs::StateVector(all.structs)));
  });
}

TEST_P(YjsProperties, DiffIsWhatThePartLacks) {
  with_each_vector([](auto first, auto second, const yjs::Contents &all) {
    const std::string part = merge_yjs(first);
    const yjs::StateVector known(yjs_update(part).contents.structs);
    const std::string lacking = yjs::diff(yjs_update(merged({part, merge_yjs(second)})), known);
    const yjs::Contents completed = yjs_update(merged({part, lacking})).contents;
    EXPECT_EQ(completed.structs, all.structs);
    EXPECT_EQ(completed.deleted, all.deleted);
  });
}

TEST_P(YjsProperties, DiffAtAnyClockHasWhatComesAfter) {
  with_each_vector([this](auto first, auto second, const yjs::Contents &all) {
    std::vector<yjs::IdRange> ranges;
    for (const yjs::IdRange &range : all.structs.ranges())
      if (range.clock == 0) ranges.push_back({range.client, 0, random_() % (range.end + 1)});
    const yjs::StateVector known{yjs::IdSet(ranges)};
    const std::string whole = merged({merge_yjs(first), merge_yjs(second)});
    const yjs::IdSet lacking = yjs_update(yjs::diff(yjs_update(whole), known)).contents.structs;
    const yjs::IdSet known_structs = known.structs();
    const yjs::IdSet *both[] = {&lacking, &known_structs};
    EXPECT_EQ(yjs::united(both), all.structs);
    for (const yjs::IdRange &range : lacking.ranges())
      EXPECT_GE(range.clock, known.clock(range.client));
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, YjsProperties, testing::Range(1U, 21U));

} // namespace
} // namespace pg_live::test
