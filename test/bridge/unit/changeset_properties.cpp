// What must hold of change sets of any kind: the results of CodeMirror for recorded cases, and the laws of
// transformation for random ones.
#include "merge/changeset.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "changeset_test.hpp"
#include "text/json.hpp"
#include "text/utf16.hpp"

namespace pg_live {
namespace {

using test::change_set;
using test::value_of;

// A line of changeset_vectors.jsonl: a document, three change sets and what CodeMirror made of them.
class RecordedCase {
 public:
  explicit RecordedCase(const std::string &line) : line_(line), fields_(json::parse(line_).value()) {}

  ChangeSet changes(std::string_view name) const {
    return value_of(ChangeSet::parse(json::member(fields_, name).value()));
  }
  std::string_view raw(std::string_view name) const { return json::member(fields_, name).value().raw; }
  std::string text(std::string_view name) const {
    std::string text;
    EXPECT_TRUE(json::unescape(json::member(fields_, name).value(), text));
    return text;
  }

 private:
  std::string line_;
  json::Value fields_;
};

TEST(ChangeSetVectors, HaveTheResultsOfCodeMirror) {
  const std::filesystem::path source = __FILE__;
  std::ifstream file(source.parent_path() / "changeset_vectors.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    SCOPED_TRACE(line);
    const RecordedCase recorded(line);
    const ChangeSet a = recorded.changes("a");
    const ChangeSet b = recorded.changes("b");
    const ChangeSet c = recorded.changes("c");
    const std::string document = recorded.text("doc");
    EXPECT_EQ(a.to_json(), recorded.raw("a"));
    EXPECT_EQ(value_of(a.apply(document)), recorded.text("doc_a"));
    EXPECT_EQ(value_of(b.apply(document)), recorded.text("doc_b"));
    const ChangeSet ab = value_of(a.map(b, Precedence::other_first));
    const ChangeSet ba = value_of(b.map(a, Precedence::this_first));
    EXPECT_EQ(ab.to_json(), recorded.raw("a_map_b"));
    EXPECT_EQ(ba.to_json(), recorded.raw("b_map_a_before"));
    EXPECT_EQ(value_of(ab.apply(recorded.text("doc_b"))), recorded.text("doc_ab"));
    EXPECT_EQ(value_of(ba.apply(recorded.text("doc_a"))), recorded.text("doc_ab"));
    const ChangeSet ac = value_of(a.compose(c));
    EXPECT_EQ(ac.to_json(), recorded.raw("a_compose_c"));
    EXPECT_EQ(value_of(ac.apply(document)), recorded.text("doc_ac"));
    EXPECT_EQ(value_of(a.invert(document)).to_json(), recorded.raw("a_invert"));
  }
  EXPECT_EQ(cases, 400);
}

// Each test takes new random cases; a failure prints the seed with which it happens again.
class ChangeSetLaws : public testing::Test {
 protected:
  static constexpr int kCases = 1000;

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string random_text(std::size_t max_characters) {
    static constexpr std::string_view kCharacters[] = {
        "a", "b", "\n", "é", "日", "👍", "e\xCC\x81", "👨‍👩‍👧", "\t"};
    std::string text;
    for (std::size_t left = below(max_characters + 1); left > 0; --left)
      text += kCharacters[below(std::size(kCharacters))];
    return text;
  }

  // Divides no character of the document.
  ChangeSet random_changes(std::string_view document) {
    ChangeSet changes;
    while (!document.empty() || below(3) == 0) {
      std::size_t size = std::min(below(5), document.size());
      while (size < document.size() && (static_cast<unsigned char>(document[size]) & 0xC0U) == 0x80U)
        ++size;
      const std::size_t length = utf16_length(document.substr(0, size));
      document.remove_prefix(size);
      EXPECT_TRUE(below(2) == 0 ? changes.keep(length) : changes.replace(length, random_text(3)));
    }
    return changes;
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

// The effect by definition, on single units.
std::u16string expected_after(const ChangeSet &changes, std::u16string_view document) {
  std::u16string result;
  for (const ChangeSet::Section &section : changes.sections()) {
    if (section.kind == ChangeSet::Section::Kind::keep)
      result += document.substr(0, section.length);
    else
      result += test::to_utf16(changes.inserted_text(section));
    document.remove_prefix(section.length);
  }
  EXPECT_TRUE(document.empty());
  return result;
}

TEST_F(ChangeSetLaws, ApplyDoesWhatTheSectionsSay) {
  for (int i = 0; i < kCases; ++i) {
    const std::string document = random_text(200);
    const ChangeSet changes = random_changes(document);
    const std::string after = value_of(changes.apply(document));
    ASSERT_EQ(test::to_utf16(after), expected_after(changes, test::to_utf16(document))) << changes.to_json();
    ASSERT_EQ(utf16_length(document), changes.length_before());
    ASSERT_EQ(utf16_length(after), changes.length_after());
  }
}

TEST_F(ChangeSetLaws, JsonLeadsBackToTheSameChanges) {
  for (int i = 0; i < kCases; ++i) {
    const ChangeSet changes = random_changes(random_text(20));
    ASSERT_EQ(change_set(changes.to_json()), changes);
  }
}

TEST_F(ChangeSetLaws, MapLeadsBothWaysToOneText) {
  for (int i = 0; i < kCases; ++i) {
    const std::string document = random_text(20);
    const ChangeSet a = random_changes(document);
    const ChangeSet b = random_changes(document);
    for (const auto &[first, second] : {std::pair(Precedence::other_first, Precedence::this_first),
                                        std::pair(Precedence::this_first, Precedence::other_first)}) {
      const ChangeSet a_after_b = value_of(a.map(b, first));
      const ChangeSet b_after_a = value_of(b.map(a, second));
      ASSERT_EQ(value_of(a_after_b.apply(value_of(b.apply(document)))),
                value_of(b_after_a.apply(value_of(a.apply(document)))))
          << document << "\n"
          << a.to_json() << "\n"
          << b.to_json();
      ASSERT_EQ(change_set(a_after_b.to_json()), a_after_b);
    }
  }
}

TEST_F(ChangeSetLaws, ComposeIsOneAfterTheOtherInAnyGrouping) {
  for (int i = 0; i < kCases; ++i) {
    const std::string document = random_text(20);
    const ChangeSet a = random_changes(document);
    const std::string after_a = value_of(a.apply(document));
    const ChangeSet b = random_changes(after_a);
    const std::string after_b = value_of(b.apply(after_a));
    const ChangeSet c = random_changes(after_b);
    const ChangeSet ab_c = value_of(value_of(a.compose(b)).compose(c));
    const ChangeSet a_bc = value_of(a.compose(value_of(b.compose(c))));
    const std::string after_c = value_of(c.apply(after_b));
    ASSERT_EQ(value_of(ab_c.apply(document)), after_c) << a.to_json() << "\n" << b.to_json() << "\n" << c.to_json();
    ASSERT_EQ(value_of(a_bc.apply(document)), after_c) << a.to_json() << "\n" << b.to_json() << "\n" << c.to_json();
    ASSERT_EQ(change_set(ab_c.to_json()), ab_c);
  }
}

TEST_F(ChangeSetLaws, InvertLeadsBack) {
  for (int i = 0; i < kCases; ++i) {
    const std::string document = random_text(20);
    const ChangeSet changes = random_changes(document);
    const std::string after = value_of(changes.apply(document));
    const ChangeSet inverse = value_of(changes.invert(document));
    ASSERT_EQ(value_of(inverse.apply(after)), document) << changes.to_json();
    ASSERT_EQ(value_of(inverse.invert(after)), changes);
  }
}

TEST_F(ChangeSetLaws, MapOverNoChangeChangesNothing) {
  for (int i = 0; i < kCases; ++i) {
    const ChangeSet changes = random_changes(random_text(20));
    ChangeSet nothing;
    ASSERT_TRUE(nothing.keep(changes.length_before()));
    ASSERT_EQ(value_of(changes.map(nothing, Precedence::other_first)), changes);
    ASSERT_EQ(value_of(nothing.compose(changes)), changes);
    ASSERT_TRUE(value_of(nothing.map(changes, Precedence::this_first)).is_empty());
  }
}

} // namespace
} // namespace pg_live
