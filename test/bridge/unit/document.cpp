// A text in pieces: the same text as without pieces, few of them touched, and what is written leads to it.
#include "merge/document.hpp"

#include "changeset_test.hpp"
#include "merge/rebase.hpp"
#include "text/utf16.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace pg_live {

namespace {

using test::change_set;

// Stored pieces, and which of them were read.
class PieceStore {
 public:
  Document open() {
    std::vector<Document::StoredPiece> heads;
    for (const auto &[place, text] : pieces_)
      heads.push_back({place, static_cast<std::uint32_t>(utf16_length(text)), static_cast<std::uint32_t>(text.size())});
    return Document(heads, [this](std::int64_t place) {
      read_.insert(place);
      return pieces_.at(place);
    });
  }
  void write(const std::vector<Document::Write> &writes) {
    for (const Document::Write &write : writes) {
      switch (write.kind) {
      case Document::Write::Kind::remove:
        EXPECT_EQ(pieces_.erase(write.place), 1u);
        break;
      case Document::Write::Kind::insert:
        EXPECT_TRUE(pieces_.emplace(write.place, write.text).second) << "two pieces have one place";
        break;
      case Document::Write::Kind::update:
        pieces_.at(write.place) = write.text;
        break;
      }
      EXPECT_EQ(write.length, utf16_length(write.text));
      EXPECT_LE(write.text.size(), Document::kMaxPieceBytes);
    }
  }
  std::vector<Document::Write> apply(const ChangeSet &changes) {
    Document document = open();
    EXPECT_FALSE(document.apply(changes));
    std::vector<Document::Write> writes = document.finish();
    write(writes);
    return writes;
  }
  std::string text() const {
    std::string text;
    for (const auto &[place, piece] : pieces_)
      text += piece;
    return text;
  }
  std::size_t count() const { return pieces_.size(); }
  std::set<std::int64_t> &read() { return read_; }

 private:
  std::map<std::int64_t, std::string> pieces_;
  std::set<std::int64_t> read_;
};

ChangeSet replacement(std::size_t length, std::size_t at, std::size_t deleted, std::string_view text) {
  ChangeSet changes;
  EXPECT_TRUE(changes.keep(at) && changes.replace(deleted, text) && changes.keep(length - at - deleted));
  return changes;
}

TEST(Document, BeginsEmpty) {
  PieceStore store;
  EXPECT_TRUE(store.apply(ChangeSet()).empty());
  store.apply(change_set(R"([[0,"hello","world"]])"));
  EXPECT_EQ(store.text(), "hello\nworld");
  EXPECT_EQ(store.count(), 1u);
}

TEST(Document, EndsEmptyWithoutPieces) {
  PieceStore store;
  store.apply(replacement(0, 0, 0, std::string(10000, 'x')));
  EXPECT_GT(store.count(), 5u);
  store.read().clear();
  store.apply(replacement(10000, 0, 10000, ""));
  EXPECT_EQ(store.count(), 0u);
  EXPECT_TRUE(store.read().empty()) << "what is deleted as a whole is not read";
}

TEST(Document, ReadsAndWritesOnePieceForAKeystroke) {
  PieceStore store;
  store.apply(replacement(0, 0, 0, std::string(100000, 'x')));
  store.read().clear();
  const auto writes = store.apply(replacement(100000, 54321, 0, "y"));
  EXPECT_EQ(writes.size(), 1u);
  EXPECT_EQ(store.read().size(), 1u);
  EXPECT_EQ(store.text()[54321], 'y');
}

TEST(Document, RefusesAChangeOfAnotherLength) {
  Document document = PieceStore().open();
  EXPECT_EQ(document.apply(change_set("[3]")), ChangeSetError::wrong_length);
}

TEST(Document, KnowsItsSizeInBytesWithoutReading) {
  PieceStore store;
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += "é";
  store.apply(replacement(0, 0, 0, text));
  store.read().clear();
  Document document = store.open();
  EXPECT_EQ(document.size(), 6000u);
  EXPECT_TRUE(store.read().empty());
  EXPECT_FALSE(document.apply(replacement(3000, 10, 2500, "👍")));
  EXPECT_EQ(document.size(), 1004u);
}

TEST(Document, RefusesToDivideACharacter) {
  for (const char *changes : {R"([1,[0,"x"],1])", "[[1],1]", "[1,[1]]"}) {
    PieceStore store;
    store.apply(change_set(R"([[0,"👍"]])"));
    EXPECT_EQ(store.open().apply(change_set(changes)), ChangeSetError::divided_character) << changes;
  }
}

TEST(Document, DividesNoCharacterBetweenPieces) {
  PieceStore store;
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += i % 3 == 0 ? "👍" : i % 3 == 1 ? "é" : "x";
  store.apply(replacement(0, 0, 0, text));
  EXPECT_EQ(store.text(), text);
  EXPECT_GT(store.count(), 2u);
}

// Typing at one place and typing backwards use up the places between two pieces.
TEST(Document, HasPlacesForAllThatIsTypedAnywhere) {
  for (const bool forwards : {true, false}) {
    PieceStore store;
    std::string expected(4000, 'x');
    store.apply(replacement(0, 0, 0, expected));
    for (std::size_t i = 0; i < 300; ++i) {
      const std::size_t at = forwards ? 2000 + i * 500 : 2000;
      const std::string typed(500, static_cast<char>('a' + i % 26));
      store.apply(replacement(expected.size(), at, 0, typed));
      expected.insert(at, typed);
    }
    EXPECT_EQ(store.text(), expected);
    EXPECT_LT(store.count(), expected.size() / 500);
  }
}

TEST(Document, JoinsWhatIsLeftOfDeletedText) {
  PieceStore store;
  std::size_t length = 100000;
  store.apply(replacement(0, 0, 0, std::string(length, 'x')));
  const std::size_t before = store.count();
  for (std::size_t at = 10; at < length; at += 10, length -= std::min<std::size_t>(1190, length - at))
    store.apply(replacement(length, at, std::min<std::size_t>(1190, length - at), ""));
  EXPECT_LT(store.count(), before / 10);
}

TEST(Document, IsTheSameTextAsWithoutPieces) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  SCOPED_TRACE(seed);
  const auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  PieceStore store;
  std::u32string expected; // of one unit each, so that positions need no conversion here
  for (int round = 0; round < 40; ++round) {
    Document document = store.open();
    for (std::size_t edits = 1 + below(5); edits > 0; --edits) {
      ChangeSet changes;
      std::u32string next;
      std::size_t at = 0;
      while (at <= expected.size()) {
        const std::size_t kept = std::min(expected.size() - at, below(1 + expected.size()));
        ASSERT_TRUE(changes.keep(kept));
        next += expected.substr(at, kept);
        at += kept;
        const std::size_t deleted = std::min(expected.size() - at, below(4) == 0 ? below(3000) : below(5));
        const std::u32string typed(below(6) == 0 ? below(5000) : below(4), U'a' + static_cast<char32_t>(below(26)));
        ASSERT_TRUE(changes.replace(deleted, std::string(typed.begin(), typed.end())));
        next += typed;
        at += deleted;
        if (at == expected.size()) break;
      }
      ASSERT_FALSE(document.apply(changes));
      expected = next;
      ASSERT_EQ(document.size(), expected.size());
      if (expected.size() > 50000) expected.resize(0), edits = 1;
      if (expected.empty() && document.length() > 0) {
        ASSERT_FALSE(document.apply(replacement(document.length(), 0, document.length(), "")));
      }
    }
    store.write(document.finish());
    ASSERT_EQ(store.text(), std::string(expected.begin(), expected.end()));
  }
}

TEST(Rebase, GoesBehindWhatOthersTyped) {
  Rebase rebase({change_set(R"([1,[0,"x"],1])"), change_set(R"([2,[0,"y"],1])")});
  EXPECT_FALSE(rebase.pass(change_set(R"([1,[0,"A"],1])"), Author::other_client));
  ASSERT_EQ(rebase.pending().size(), 2u);
  EXPECT_EQ(rebase.pending()[0].to_json(), R"([2,[0,"x"],1])");
  EXPECT_EQ(rebase.pending()[1].to_json(), R"([3,[0,"y"],1])");
}

TEST(Rebase, LeavesOutWhatTheLogHasOfTheClient) {
  Rebase rebase({change_set(R"([[0,"x"],1])"), change_set(R"([1,[0,"y"],1])")});
  EXPECT_FALSE(rebase.pass(change_set(R"([1,[0,"A"]])"), Author::other_client));
  EXPECT_FALSE(rebase.pass(change_set(R"([[0,"x"],2])"), Author::same_client));
  EXPECT_FALSE(rebase.pass(change_set(R"([[0,"B"],3])"), Author::other_client));
  ASSERT_EQ(rebase.pending().size(), 1u);
  EXPECT_EQ(rebase.pending()[0].to_json(), R"([2,[0,"y"],2])");
}

TEST(Rebase, HasNothingLeftWhenAllWasAccepted) {
  Rebase rebase({change_set(R"([[0,"x"]])")});
  EXPECT_FALSE(rebase.pass(change_set(R"([[0,"x"]])"), Author::same_client));
  EXPECT_FALSE(rebase.pass(change_set(R"([1,[0,"y"]])"), Author::same_client));
  EXPECT_TRUE(rebase.pending().empty());
}

TEST(Rebase, RefusesWhatFitsNoVersion) {
  Rebase rebase({change_set(R"([5,[0,"x"]])")});
  EXPECT_EQ(rebase.pass(change_set(R"([1,[0,"A"],1])"), Author::other_client), ChangeSetError::wrong_length);
}

} // namespace

} // namespace pg_live
