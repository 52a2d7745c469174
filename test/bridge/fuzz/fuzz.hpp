// What the fuzz targets share. libFuzzer reports an abort with the input that led to it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace pg_live::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline std::string_view view(const unsigned char *data, std::size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

} // namespace pg_live::fuzz
