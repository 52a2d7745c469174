// What the tests of Yjs updates share.
#pragma once

#include "merge/yjs_merge.hpp"

#include <cstddef>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live::test {

// Bytes as the format describes them: numbers below 256 stand for themselves.
inline std::string yjs_bytes(std::initializer_list<unsigned> bytes) {
  std::string result;
  for (const unsigned byte : bytes)
    result += static_cast<char>(byte);
  return result;
}

// Throws the message of the fault, which fails the test.
inline yjs::Update yjs_update(std::string_view bytes) {
  yjs::Error error{};
  if (auto update = yjs::read_update(bytes, &error)) return *std::move(update);
  throw std::runtime_error(std::string(message(error.fault)));
}

inline std::vector<yjs::Update> yjs_updates(std::span<const std::string> all) {
  std::vector<yjs::Update> updates;
  for (const std::string &bytes : all)
    updates.push_back(yjs_update(bytes));
  return updates;
}

inline std::string merge_yjs(std::span<const std::string> all) { return yjs::merge(yjs_updates(all)); }

inline yjs::Contents contents_of(std::span<const std::string> all) { return yjs::united(yjs_updates(all)); }

// One line of yjs_vectors.jsonl: the updates of one document, and what Yjs 13.6 made of them.
struct YjsVector {
  std::vector<std::string> updates{};
  std::string merged;
  yjs::IdSet state{}; // all that the state vector knows
  std::string half_state_vector;
  std::string diff_from_half;
  std::string snapshot; // of a document that has the updates, without the content of what was deleted
};

const std::vector<YjsVector> &yjs_vectors();

} // namespace pg_live::test
