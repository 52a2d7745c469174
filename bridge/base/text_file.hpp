// Reads the files that settings name.
#pragma once

#include <optional>
#include <string>

namespace pg_live {

// The whole file, or nothing if it cannot be read, is a directory or has more than 1 MB.
std::optional<std::string> read_text_file(const std::string &path);

} // namespace pg_live
