// Counts by name, where names may come from outside.
// Invariant: bounded: beyond kMaxNames all other names are counted as "other".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pg_live {

class NameCounts {
 public:
  static constexpr std::size_t kMaxNames = 50;

  void note(std::string_view name) {
    auto found = counts_.find(name);
    if (found == counts_.end())
      found = counts_.try_emplace(counts_.size() < kMaxNames ? std::string(name) : "other").first;
    ++found->second;
  }

  auto begin() const { return counts_.begin(); }
  auto end() const { return counts_.end(); }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

} // namespace pg_live
