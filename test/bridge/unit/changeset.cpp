// Change sets: reading and writing them, what is refused, and their effect on a text.
#include "merge/changeset.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "changeset_test.hpp"

namespace pg_live {
namespace {

using test::change_set;
using test::error_of;
using test::value_of;

TEST(ChangeSet, ReadsKeptDeletedAndInsertedSections) {
  const ChangeSet changes = change_set(R"( [3, [1, "a\u00e9", "👍"], 4, [2] ] )");
  EXPECT_EQ(changes.length_before(), 10U);
  EXPECT_EQ(changes.length_after(), 12U);
  ASSERT_EQ(changes.sections().size(), 4U);
  const ChangeSet::Section &kept = changes.sections()[0];
  EXPECT_EQ(kept.kind, ChangeSet::Section::Kind::keep);
  EXPECT_EQ(kept.length, 3U);
  const ChangeSet::Section &replaced = changes.sections()[1];
  EXPECT_EQ(replaced.kind, ChangeSet::Section::Kind::replace);
  EXPECT_EQ(replaced.length, 1U);
  EXPECT_EQ(replaced.inserted_length, 5U);
  EXPECT_EQ(changes.inserted_text(replaced), "aé\n👍");
  const ChangeSet::Section &deleted = changes.sections()[3];
  EXPECT_EQ(deleted.kind, ChangeSet::Section::Kind::replace);
  EXPECT_EQ(deleted.length, 2U);
  EXPECT_EQ(deleted.inserted_length, 0U);
  EXPECT_EQ(changes.inserted_text(deleted), "");
}

TEST(ChangeSet, WritesWhatCodeMirrorWrites) {
  for (const std::string_view json :
       {"[]", "[5]", "[[3]]", R"([[0,"a"]])", R"([1,[0,"",""],2])", R"([[2,"a","","b"],[1],[0,"c"],[3,"d"]])",
        R"([[0,"\"\\👍\u0001"]])", R"([[0,"a"],[1]])"})
    EXPECT_EQ(change_set(json).to_json(), json);
}

TEST(ChangeSet, JoinsAdjacentSectionsAsCodeMirrorDoes) {
  const std::vector<std::pair<std::string_view, std::string_view>> joined = {
      {"[1,2,3]", "[6]"},
      {"[0]", "[]"},
      {"[[0]]", "[]"},
      {R"([[0,""]])", "[]"},
      {"[[1],[2],3,0,[0],4]", "[[3],7]"},
      {R"([[1,""],2])", "[[1],2]"},
      {R"([1,[0,"a"],[0,"b","c"],[0,"d"]])", R"([1,[0,"ab","cd"]])"},
      {R"([[1],[0,"a"],[1]])", R"([[1],[0,"a"],[1]])"},
      {R"([[1,"a"],[1,"b"],[0,"c"]])", R"([[1,"a"],[1,"b"],[0,"c"]])"}};
  for (const auto &[json, expected] : joined)
    EXPECT_EQ(change_set(json).to_json(), expected) << json;
}

TEST(ChangeSet, IsBuiltAsItIsRead) {
  ChangeSet changes;
  EXPECT_TRUE(changes.keep(2) && changes.keep(1) && changes.replace(1, "a\n👍") && changes.replace(0, ""));
  EXPECT_EQ(changes, change_set(R"([3,[1,"a","👍"]])"));
  EXPECT_EQ(changes.length_after(), 7U);
}

TEST(ChangeSet, IsEmptyWhenNothingIsDeletedAndNothingInserted) {
  for (const std::string_view json : {"[]", "[0]", "[4]", "[1,3]", "[[0],4]"})
    EXPECT_TRUE(change_set(json).is_empty()) << json;
  for (const std::string_view json : {"[[1]]", R"([[0,"a"]])", R"([1,[1,"a"]])", "[1,[1],1]"})
    EXPECT_FALSE(change_set(json).is_empty()) << json;
}

struct RefusedText {
  std::string_view json;
  ChangeSetError error;
};

class ChangeSetRefuses : public testing::TestWithParam<RefusedText> {};

TEST_P(ChangeSetRefuses, OtherTexts) {
  EXPECT_EQ(error_of(ChangeSet::parse(GetParam().json)), GetParam().error) << GetParam().json;
}

INSTANTIATE_TEST_SUITE_P(
    All, ChangeSetRefuses,
    testing::Values(
        RefusedText{"", ChangeSetError::invalid_json}, RefusedText{"[1", ChangeSetError::invalid_json},
        RefusedText{"[1]x", ChangeSetError::invalid_json}, RefusedText{"[01]", ChangeSetError::invalid_json},
        RefusedText{"[[0,\"\xED\xA0\xBD\"]]", ChangeSetError::invalid_json}, // a surrogate as UTF-8
        RefusedText{"[[0,\"\xFF\"]]", ChangeSetError::invalid_json},
        RefusedText{{"[[0,\"\0\"]]", 9}, ChangeSetError::invalid_json},
        RefusedText{R"([[0,"a\u0000"]])", ChangeSetError::null_character},
        RefusedText{R"([[0,"\ud83d"]])", ChangeSetError::lone_surrogate},
        RefusedText{R"([[0,"\udc4d"]])", ChangeSetError::lone_surrogate},
        RefusedText{R"([[0,"\ud83d","\udc4d"]])", ChangeSetError::lone_surrogate},
        RefusedText{"1", ChangeSetError::not_an_array}, RefusedText{"null", ChangeSetError::not_an_array},
        RefusedText{R"({"a":[1]})", ChangeSetError::not_an_array},
        RefusedText{R"("[1]")", ChangeSetError::not_an_array}, RefusedText{"[[]]", ChangeSetError::invalid_section},
        RefusedText{"[null]", ChangeSetError::invalid_section}, RefusedText{"[true]", ChangeSetError::invalid_section},
        RefusedText{R"(["1"])", ChangeSetError::invalid_section}, RefusedText{"[{}]", ChangeSetError::invalid_section},
        RefusedText{R"([["a",1]])", ChangeSetError::invalid_section},
        RefusedText{"[[[1]]]", ChangeSetError::invalid_section},
        RefusedText{"[[null,\"\"]]", ChangeSetError::invalid_section},
        RefusedText{"[-1]", ChangeSetError::invalid_length}, RefusedText{"[[-1]]", ChangeSetError::invalid_length},
        RefusedText{"[1.5]", ChangeSetError::invalid_length}, RefusedText{"[1.0]", ChangeSetError::invalid_length},
        RefusedText{"[1e2]", ChangeSetError::invalid_length}, RefusedText{"[[1e9999]]", ChangeSetError::invalid_length},
        RefusedText{"[-99999999999999999999]", ChangeSetError::invalid_length},
        RefusedText{"[[1,2]]", ChangeSetError::invalid_line}, RefusedText{"[[1,null]]", ChangeSetError::invalid_line},
        RefusedText{R"([[1,"a",["b"]]])", ChangeSetError::invalid_line},
        RefusedText{R"([[1,"a",{}]])", ChangeSetError::invalid_line},
        RefusedText{R"([[0,"a\nb"]])", ChangeSetError::line_break},
        RefusedText{R"([[0,"a\r"]])", ChangeSetError::line_break},
        RefusedText{R"([[0,"","\u000d\u000a"]])", ChangeSetError::line_break},
        RefusedText{"[1073741824]", ChangeSetError::too_long}, RefusedText{"[[1073741824]]", ChangeSetError::too_long},
        RefusedText{"[1073741823,1]", ChangeSetError::too_long},
        RefusedText{"[1073741823,[1]]", ChangeSetError::too_long},
        RefusedText{R"([1073741823,[0,"a"]])", ChangeSetError::too_long},
        RefusedText{"[4294967296]", ChangeSetError::too_long},
        RefusedText{"[9223372036854775807]", ChangeSetError::too_long},
        RefusedText{"[9223372036854775808]", ChangeSetError::too_long},
        RefusedText{"[99999999999999999999999]", ChangeSetError::too_long}));

TEST(ChangeSet, RefusesNestingOfAnyDepth) {
  for (const std::size_t depth : {3U, 64U, 65U, 1'000'000U}) {
    std::string json(depth, '[');
    EXPECT_EQ(error_of(ChangeSet::parse(json.append(depth, ']'))), ChangeSetError::invalid_section) << depth;
  }
}

TEST(ChangeSet, NamesEachErrorInTheStyleOfPostgresql) {
  std::vector<std::string_view> seen;
  for (auto error = ChangeSetError::invalid_json; error <= ChangeSetError::carriage_return;
       error = static_cast<ChangeSetError>(static_cast<int>(error) + 1)) {
    const std::string_view text = message(error);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), text), 0) << text;
    EXPECT_TRUE(text.front() >= 'a' && text.front() <= 'z' && text.back() != '.') << text;
    seen.push_back(text);
  }
}

TEST(ChangeSet, HasRoomForTheLongestText) {
  const ChangeSet longest = change_set("[1073741823]");
  EXPECT_EQ(longest.length_before(), ChangeSet::max_length);
  ChangeSet changes = longest;
  EXPECT_FALSE(changes.keep(1));
  EXPECT_FALSE(changes.replace(1, ""));
  EXPECT_FALSE(changes.replace(0, "a"));
  EXPECT_FALSE(changes.keep(SIZE_MAX));
  EXPECT_FALSE(changes.replace(SIZE_MAX, ""));
  EXPECT_EQ(changes, longest);
}

TEST(ChangeSet, ChangesAText) {
  const ChangeSet changes = change_set(R"([1,[1,"x","y"],2,[2],[0,"👍"]])");
  EXPECT_EQ(std::get<std::string>(changes.apply("aé日b👍")), "ax\ny日b👍");
  EXPECT_EQ(std::get<std::string>(change_set("[]").apply("")), "");
  EXPECT_EQ(std::get<std::string>(change_set(R"([2,[0,"!"]])").apply("👍")), "👍!");
}

TEST(ChangeSet, RefusesATextOfAnotherLength) {
  for (const std::string_view document : {"", "a", "abc", "👍a", "日本語"}) {
    EXPECT_EQ(error_of(change_set("[1,[1]]").apply(document)), ChangeSetError::wrong_length) << document;
    EXPECT_EQ(error_of(change_set("[1,[1]]").invert(document)), ChangeSetError::wrong_length) << document;
  }
  EXPECT_EQ(error_of(change_set("[1]").compose(change_set("[2]"))), ChangeSetError::wrong_length);
  EXPECT_EQ(error_of(change_set(R"([[1,"ab"]])").compose(change_set("[1]"))), ChangeSetError::wrong_length);
  for (const Precedence precedence : {Precedence::other_first, Precedence::this_first})
    EXPECT_EQ(error_of(change_set("[[1]]").map(change_set("[2]"), precedence)), ChangeSetError::wrong_length);
}

TEST(ChangeSet, RefusesToDivideACharacter) {
  for (const std::string_view json : {"[1,[1]]", "[[1],1]", R"([1,[0,"x"],1])", R"([[1,"x"],[1]])", "[[1,\"x\"],1]"}) {
    EXPECT_EQ(error_of(change_set(json).apply("👍")), ChangeSetError::divided_character) << json;
    EXPECT_EQ(error_of(change_set(json).invert("👍")), ChangeSetError::divided_character) << json;
    EXPECT_EQ(error_of(change_set(R"([[0,"👍"]])").compose(change_set(json))), ChangeSetError::divided_character)
        << json;
  }
}

TEST(ChangeSet, RefusesToInsertTheCarriageReturnThatItDeleted) {
  EXPECT_EQ(error_of(change_set("[[3]]").invert("a\r\n")), ChangeSetError::carriage_return);
  EXPECT_EQ(value_of(change_set("[1,[1]]").invert("\ra")), change_set(R"([1,[0,"a"]])"));
}

TEST(ChangeSet, RefusesAMapThatMakesTheTextTooLong) {
  const ChangeSet ours = change_set(R"([1073741822,[0,"a"]])");
  const ChangeSet theirs = change_set(R"([1073741822,[0,"b"]])");
  EXPECT_EQ(error_of(ours.map(theirs, Precedence::other_first)), ChangeSetError::too_long);
}

TEST(ChangeSet, OrdersInsertionsAtOnePlaceByPrecedence) {
  const ChangeSet ours = change_set(R"([1,[0,"a"],1])");
  const ChangeSet theirs = change_set(R"([1,[0,"b","c"],1])");
  EXPECT_EQ(value_of(ours.map(theirs, Precedence::other_first)), change_set(R"([4,[0,"a"],1])"));
  EXPECT_EQ(value_of(ours.map(theirs, Precedence::this_first)), change_set(R"([1,[0,"a"],4])"));
}

} // namespace
} // namespace pg_live
