// Answers questions about updates of Yjs, so that a test in JavaScript can ask the same of Yjs.
//
// Reads lines, each a question and the bytes that it is about in hexadecimal digits, and writes a line for each: bytes,
// a word, or the text of an error.
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "merge/yjs_merge.hpp"

using namespace pg_live;

namespace {

std::string from_hexadecimal(const std::string &digits) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
  return bytes;
}

std::string to_hexadecimal(const std::string &bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    result += kDigits[byte >> 4U];
    result += kDigits[byte & 15U];
  }
  return result;
}

template <typename Value>
Value required(std::optional<Value> value, yjs::Error error) {
  if (!value) throw std::invalid_argument(std::string(message(error.fault)));
  return *std::move(value);
}

yjs::Update read(const std::string &bytes) {
  yjs::Error error{};
  auto update = yjs::read_update(bytes, &error);
  return required(std::move(update), error);
}

std::string word(yjs::SnapshotVerdict verdict) {
  switch (verdict) {
  case yjs::SnapshotVerdict::complete:
    return "complete";
  case yjs::SnapshotVerdict::has_gap:
    return "has a gap";
  case yjs::SnapshotVerdict::lacks_structs:
    return "lacks structs";
  case yjs::SnapshotVerdict::lacks_deletions:
    return "lacks deletions";
  }
  return "";
}

std::string answer(const std::string &question, const std::vector<std::string> &all) {
  std::vector<yjs::Update> updates;
  if (question == "diff") {
    yjs::Error error{};
    auto known = yjs::read_state_vector(all.at(1), &error);
    return to_hexadecimal(yjs::diff(read(all.at(0)), required(std::move(known), error)));
  }
  updates.reserve(all.size());
  for (const std::string &bytes : all)
    updates.push_back(read(bytes));
  if (question == "merge") return to_hexadecimal(yjs::merge(updates));
  if (question == "state_vector") return to_hexadecimal(encode(yjs::StateVector(yjs::united(updates).structs)));
  const yjs::Contents first = updates.at(0).contents;
  const yjs::Contents others = yjs::united(std::span(updates).subspan(1));
  if (question == "has") return yjs::has(others, first) ? "yes" : "no";
  if (question == "verify") return word(yjs::verify_snapshot(first, others));
  return "unknown question";
}

} // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string question;
    words >> question;
    std::vector<std::string> all;
    for (std::string digits; words >> digits;)
      all.push_back(from_hexadecimal(digits));
    try {
      std::cout << answer(question, all) << '\n';
    } catch (const std::invalid_argument &error) {
      std::cout << "error: " << error.what() << '\n';
    }
  }
}
