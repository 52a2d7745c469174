// Reads the text of a configuration file: lines `name = value`.
//
// Invariant: the value is the rest of the line without the white space around it, or the text between the quotes that
// enclose it. Anything else is an error; no part of a value is dropped silently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pg_live {

struct FileSetting {
  std::string name;
  std::string value;
};

// Empty lines and lines that begin with `#` or `;` are comments. Throws std::invalid_argument, with the number of the
// line and without its value, for a line that is no setting, a name that occurs twice, a NUL byte, and quotes that do
// not enclose the whole value.
std::vector<FileSetting> parse_settings_file(std::string_view text);

} // namespace pg_live
