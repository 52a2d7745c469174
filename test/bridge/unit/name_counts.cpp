// Counts by names that come from outside.
#include "metrics/name_counts.hpp"

#include <gtest/gtest.h>

#include <iterator>

namespace pg_live {
namespace {

std::uint64_t count_of(const NameCounts &counts, std::string_view name) {
  for (const auto &[each, count] : counts)
    if (each == name) return count;
  return 0;
}

TEST(NameCounts, CountsEachName) {
  NameCounts counts;
  for (const auto *name : {"ok", "42501", "ok"})
    counts.note(name);
  EXPECT_EQ(count_of(counts, "ok"), 2u);
  EXPECT_EQ(count_of(counts, "42501"), 1u);
}

TEST(NameCounts, CountsManyOtherNamesAsOne) {
  NameCounts counts;
  for (int name = 0; name < 1000; ++name)
    counts.note(std::to_string(name));
  counts.note("0");
  EXPECT_EQ(std::distance(counts.begin(), counts.end()), static_cast<std::ptrdiff_t>(NameCounts::kMaxNames + 1));
  EXPECT_EQ(count_of(counts, "0"), 2u);
  EXPECT_EQ(count_of(counts, "other"), 1000 - NameCounts::kMaxNames);
}

} // namespace
} // namespace pg_live
