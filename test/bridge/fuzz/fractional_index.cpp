// Two keys of a list, cut at a place that the first byte chooses: what is between them is a key, and is between them.
#include "merge/fractional_index.hpp"

#include <algorithm>

#include "fuzz.hpp"

using namespace pg_live;
using fuzz::require;

namespace {

using Key = std::optional<std::string_view>;

void check(Key before, Key after) {
  const auto result = key_between(before, after);
  if (const auto *fault = std::get_if<KeyFault>(&result)) {
    require(!message(*fault).empty());
    return;
  }
  const auto &key = std::get<std::string>(result);
  require((!before || *before < key) && (!after || key < *after));
  require(key.size() <= std::max({before.value_or("a0").size(), after.value_or("a0").size()}) + 1);
  require(key.size() > longest_key || std::holds_alternative<std::string>(key_between(key, after)));
}

} // namespace

extern "C" int fuzz_fractional_index(const unsigned char *data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  const std::size_t cut = bytes.empty() ? 0 : std::min<std::size_t>(data[0] + 1U, bytes.size());
  const std::string_view one = bytes.substr(std::min<std::size_t>(1, bytes.size()), cut - (bytes.empty() ? 0 : 1));
  const std::string_view other = bytes.substr(cut);
  check(one, other);
  check(one, std::nullopt);
  check(std::nullopt, other);
  return 0;
}
