// Where settings come from: the command line, the environment and the configuration file, for which each setting is
// declared once. Read with CLI11: the lines of the file and then the variables of the environment are turned into
// arguments that stand before those of the command line; the last of the same name wins.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace pg_live {

class SettingsSources {
 public:
  SettingsSources();

  // Declares a setting: the option --name, its environment variable PG_LIVE_NAME, and its key in the file. `value` has
  // the default, and outlives this.
  template <typename Value>
  CLI::Option *add(const std::string &name, Value &value, const std::string &help) {
    const std::string variable = variable_of(name);
    const std::string text = help + " (" + variable + ")";
    CLI::Option *option = nullptr;
    if constexpr (std::is_same_v<Value, bool>) {
      option = app_.add_flag("--" + name + "{true}", value, text);
    } else {
      option = app_.add_option("--" + name, value, text);
      if constexpr (std::is_unsigned_v<Value>) option->capture_default_str();
    }
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    variables_.emplace(variable, name);
    return option;
  }

  // Reads all sources, and calls `finish` then, which throws std::invalid_argument with a message for the operator.
  // Returns the exit code with which the program should end at once (help, version, or an error, already printed), or
  // -1.
  int read(int argument_count, const char *const *arguments, const std::function<void()> &finish);

 private:
  static std::string variable_of(const std::string &name);
  void parse(std::vector<std::string> arguments);
  std::vector<std::string> environment_arguments() const;
  std::vector<std::string> file_arguments() const;

  CLI::App app_{"Forwards committed events of PostgreSQL to browsers over Phoenix Channels"};
  std::map<std::string, std::string> variables_; // environment variable -> name
  std::string file_;
};

} // namespace pg_live
