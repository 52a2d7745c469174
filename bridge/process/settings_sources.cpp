// See settings_sources.hpp.
#include "process/settings_sources.hpp"

#include "base/text_file.hpp"
#include "process/settings_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>

namespace pg_live {

namespace {

// An empty value leaves the default.
void append_argument(std::vector<std::string> &arguments, const std::string &name, const std::string &value) {
  if (!value.empty()) arguments.push_back("--" + name + "=" + value);
}

} // namespace

SettingsSources::SettingsSources() {
  app_.set_version_flag("--version", PG_LIVE_VERSION);
  app_.add_option("--config", file_,
                  "Configuration file: lines `name = value`, names as below without the dashes; the whole line is the "
                  "value, or what is between quotes (PG_LIVE_CONFIG)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_.footer("Precedence: command line, environment, configuration file, default.");
}

int SettingsSources::read(int argument_count, const char *const *arguments, const std::function<void()> &finish) {
  std::vector<std::string> given = environment_arguments();
  given.insert(given.end(), arguments + 1, arguments + argument_count);
  try {
    parse(given); // which may name the file
    if (!file_.empty()) {
      std::vector<std::string> all = file_arguments();
      all.insert(all.end(), given.begin(), given.end());
      parse(all);
    }
    finish();
  } catch (const CLI::ParseError &error) {
    return app_.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument &error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return -1;
}

std::string SettingsSources::variable_of(const std::string &name) {
  std::string variable = "PG_LIVE_";
  for (const char c : name)
    variable.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(c)));
  return variable;
}

void SettingsSources::parse(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end()); // CLI11 takes a vector from its back
  app_.parse(arguments);
}

std::vector<std::string> SettingsSources::environment_arguments() const {
  std::vector<std::string> result;
  const auto value_of = [](const std::string &variable) {
    const char *const value = std::getenv(variable.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  append_argument(result, "config", value_of("PG_LIVE_CONFIG"));
  for (const auto &[variable, name] : variables_)
    append_argument(result, name, value_of(variable));
  return result;
}

std::vector<std::string> SettingsSources::file_arguments() const {
  const std::optional<std::string> text = read_text_file(file_);
  if (!text) throw std::invalid_argument("could not read configuration file \"" + file_ + "\"");
  std::vector<std::string> result;
  try {
    for (const FileSetting &setting : parse_settings_file(*text)) {
      const auto known = variables_.find(variable_of(setting.name));
      if (known == variables_.end() || known->second != setting.name)
        throw std::invalid_argument("unknown setting \"" + setting.name + "\"");
      append_argument(result, setting.name, setting.value);
    }
  } catch (const std::invalid_argument &error) {
    throw std::invalid_argument("configuration file \"" + file_ + "\": " + error.what());
  }
  return result;
}

} // namespace pg_live
