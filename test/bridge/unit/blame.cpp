// Which operation wrote which part: the runs cover the text, and each was inserted by the operation that it names.
#include "merge/blame.hpp"

#include "changeset_test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace pg_live {

namespace {

using test::change_set;
using Runs = std::vector<Blame::Run>;

TEST(Blame, KnowsTheInitialTextAndWhatIsInserted) {
  Blame blame(3, 0);
  EXPECT_EQ(blame.runs(), (Runs{{3, 0}}));
  EXPECT_FALSE(blame.apply(change_set(R"([1,[0,"👍"],2])"), 1));
  EXPECT_EQ(blame.runs(), (Runs{{1, 0}, {2, 1}, {2, 0}}));
  EXPECT_FALSE(blame.apply(change_set(R"([3,[1,"x"],1])"), 2));
  EXPECT_EQ(blame.runs(), (Runs{{1, 0}, {2, 1}, {1, 2}, {1, 0}}));
  EXPECT_FALSE(blame.apply(change_set(R"([1,[3],1])"), 3));
  EXPECT_EQ(blame.runs(), (Runs{{2, 0}})) << "parts of one operation that touch are one";
  EXPECT_FALSE(blame.apply(change_set(R"([[2]])"), 4));
  EXPECT_TRUE(blame.runs().empty());
  EXPECT_FALSE(blame.apply(change_set(R"([[0,"y"]])"), 5));
  EXPECT_EQ(blame.runs(), (Runs{{1, 5}}));
}

TEST(Blame, RefusesAChangeOfAnotherLength) {
  EXPECT_EQ(Blame(2, 0).apply(change_set("[3]"), 1), ChangeSetError::wrong_length);
}

// Against one version for each unit of the text.
TEST(Blame, IsWhatAListOfUnitsSays) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE(seed);
  const auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  std::vector<std::int64_t> expected(100, 7);
  Blame blame(expected.size(), 7);
  for (std::int64_t version = 8; version < 3000; ++version) {
    ChangeSet changes;
    std::vector<std::int64_t> next;
    std::size_t at = 0;
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t kept = below(expected.size() - at + 1);
      next.insert(next.end(), expected.begin() + static_cast<std::ptrdiff_t>(at),
                  expected.begin() + static_cast<std::ptrdiff_t>(at + kept));
      at += kept;
      const std::size_t deleted = std::min(expected.size() - at, below(400) == 0 ? 100000 : below(3));
      const std::size_t inserted = below(6);
      ASSERT_TRUE(changes.keep(kept) && changes.replace(deleted, std::string(inserted, 'x')));
      next.insert(next.end(), inserted, version);
      at += deleted;
    }
    ASSERT_TRUE(changes.keep(expected.size() - at));
    next.insert(next.end(), expected.begin() + static_cast<std::ptrdiff_t>(at), expected.end());
    expected = next;
    ASSERT_FALSE(blame.apply(changes, version));
    if (version % 100 != 0) continue;
    std::vector<std::int64_t> units;
    const Runs runs = blame.runs();
    for (std::size_t run = 0; run < runs.size(); ++run) {
      ASSERT_GT(runs[run].length, 0u);
      ASSERT_TRUE(run == 0 || runs[run - 1].version != runs[run].version);
      units.insert(units.end(), runs[run].length, runs[run].version);
    }
    ASSERT_EQ(units, expected);
  }
}

} // namespace

} // namespace pg_live
