// The functions of Yjs 13.6, on documents of many content types: the answers must be the same, byte for byte.
#include "yjs_test.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/base64url.hpp"
#include "text/json.hpp"

namespace pg_live::test {
namespace {

std::string decode_vector(json::Value string) {
  std::string text;
  json::unescape(string, text);
  std::erase(text, '=');
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  const auto bytes = decode_base64url(text);
  if (!bytes) throw std::runtime_error("yjs_vectors.jsonl: not base64");
  return {bytes->begin(), bytes->end()};
}

YjsVector parse_vector(const std::string &line) {
  const auto object = json::parse(line);
  if (!object) throw std::runtime_error("yjs_vectors.jsonl: not JSON");
  const auto bytes = [&object](std::string_view name) { return decode_vector(json::member(*object, name).value()); };
  YjsVector vector{.merged = bytes("merged"),
                   .half_state_vector = bytes("half_state_vector"),
                   .diff_from_half = bytes("diff_from_half"),
                   .snapshot = bytes("gc_state")};
  for (const json::Value &update : json::elements(json::member(*object, "updates").value()))
    vector.updates.push_back(decode_vector(update));
  std::vector<yjs::IdRange> known;
  for (const json::Member &client : json::members(json::member(*object, "state_vector").value())) {
    const std::string_view digits = client.key.substr(1, client.key.size() - 2);
    yjs::IdRange range;
    std::from_chars(digits.data(), digits.data() + digits.size(), range.client);
    range.end = static_cast<std::uint64_t>(json::to_int64(client.value).value());
    known.push_back(range);
  }
  vector.state = yjs::IdSet(known);
  return vector;
}

std::vector<YjsVector> parse_vectors() {
  const std::filesystem::path source = __FILE__;
  std::ifstream file(source.parent_path() / "yjs_vectors.jsonl");
  std::vector<YjsVector> vectors;
  for (std::string line; std::getline(file, line);)
    vectors.push_back(parse_vector(line));
  if (vectors.empty()) throw std::runtime_error("yjs_vectors.jsonl: cannot be read");
  return vectors;
}

class YjsVectors : public testing::TestWithParam<std::size_t> {
 protected:
  const YjsVector &vector() const { return yjs_vectors()[GetParam()]; }
};

TEST_P(YjsVectors, StateVectorIsThatOfYjs) {
  EXPECT_EQ(yjs::StateVector(contents_of(vector().updates).structs).structs(), vector().state);
  EXPECT_EQ(yjs::StateVector(yjs_update(vector().merged).contents.structs).structs(), vector().state);
}

TEST_P(YjsVectors, MergeIsThatOfYjs) { EXPECT_EQ(merge_yjs(vector().updates), vector().merged); }

TEST_P(YjsVectors, DiffIsThatOfYjs) {
  const auto known = yjs::read_state_vector(vector().half_state_vector);
  ASSERT_TRUE(known);
  EXPECT_EQ(encode(*known), vector().half_state_vector);
  EXPECT_EQ(yjs::diff(yjs_update(vector().merged), *known), vector().diff_from_half);
}

TEST_P(YjsVectors, SnapshotIsComplete) {
  EXPECT_EQ(yjs::verify_snapshot(yjs_update(vector().snapshot).contents, contents_of(vector().updates)),
            yjs::SnapshotVerdict::complete);
}

// Of what the last update adds, a snapshot without it lacks a struct or a deletion, unless it is an old one again.
TEST_P(YjsVectors, SnapshotLacksAnUpdate) {
  const std::span<const std::string> all = vector().updates;
  const yjs::Contents others = contents_of(all.first(all.size() - 1));
  const bool adds = !yjs::has(others, yjs_update(all.back()).contents);
  EXPECT_EQ(yjs::verify_snapshot(yjs_update(merge_yjs(all.first(all.size() - 1))).contents, contents_of(all)) !=
                yjs::SnapshotVerdict::complete,
            adds);
}

INSTANTIATE_TEST_SUITE_P(All, YjsVectors, testing::Range(std::size_t{0}, yjs_vectors().size()));

} // namespace

const std::vector<YjsVector> &yjs_vectors() {
  static const std::vector<YjsVector> vectors = parse_vectors();
  return vectors;
}

} // namespace pg_live::test
