// Lines, names and quotes.
#include "process/settings_file.hpp"

#include "base/http_text.hpp"

#include <algorithm>
#include <stdexcept>

namespace pg_live {

namespace {

[[noreturn]] void refuse(std::size_t line, const std::string &problem) {
  throw std::invalid_argument("line " + std::to_string(line) + ": " + problem);
}

bool is_comment(std::string_view line) { return line.empty() || line.front() == '#' || line.front() == ';'; }

std::string_view unquote(std::string_view value, std::size_t line) {
  if (value.empty() || (value.front() != '"' && value.front() != '\'')) return value;
  const char quote = value.front();
  const std::size_t end = value.find(quote, 1);
  if (end != value.size() - 1) refuse(line, "quotes must enclose the whole value, and not occur inside it");
  return value.substr(1, value.size() - 2);
}

FileSetting parse_line(std::string_view text, std::size_t line) {
  const std::size_t equals = text.find('=');
  const std::string_view name = trim(text.substr(0, equals));
  if (equals == std::string_view::npos || name.empty() || name.find_first_of(" \t") != std::string_view::npos)
    refuse(line, "expected `name = value`");
  return {std::string(name), std::string(unquote(trim(text.substr(equals + 1)), line))};
}

} // namespace

std::vector<FileSetting> parse_settings_file(std::string_view text) {
  std::vector<FileSetting> settings;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim(line);
    if (line.find('\0') != std::string_view::npos) refuse(number, "a NUL byte is in no value");
    if (is_comment(line)) continue;
    FileSetting setting = parse_line(line, number);
    const auto same_name = [&setting](const FileSetting &other) { return other.name == setting.name; };
    if (std::any_of(settings.begin(), settings.end(), same_name))
      refuse(number, "setting \"" + setting.name + "\" is given twice");
    settings.push_back(std::move(setting));
  }
  return settings;
}

} // namespace pg_live
