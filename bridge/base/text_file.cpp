// One read of at most one byte more than a file may have: a device that never ends is too large, and not read on.
#include "base/text_file.hpp"

#include <fstream>

namespace pg_live {

namespace {

constexpr std::size_t kMaxFileBytes = 1'000'000;

} // namespace

std::optional<std::string> read_text_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  // Formatted and iterator reads throw for a directory; read() says it in the state of the stream.
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (!file.eof() || file.bad() || size > kMaxFileBytes) return std::nullopt;
  text.resize(size);
  return text;
}

} // namespace pg_live
