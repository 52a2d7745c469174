// Structured logs: one JSON object a line, on standard error.
// Invariant: every value is escaped, so nothing a client sends can forge a line or a field. Callers log names, counts
// and codes; never payloads, tokens or passwords.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace spdlog {
class logger;
}

namespace pg_live {

enum class LogLevel { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;

  template <typename Value>
  LogField(std::string_view field_name, const Value &field_value) : name(field_name) {
    if constexpr (std::is_same_v<Value, bool>) {
      value = field_value;
    } else if constexpr (std::is_integral_v<Value>) {
      value = static_cast<std::int64_t>(field_value);
    } else {
      value = std::string_view(field_value);
    }
  }
};

class Log {
 public:
  using Fields = std::initializer_list<LogField>;

  // Lines below `level` are dropped. `worker` tells the processes of one bridge apart.
  Log(LogLevel level, unsigned worker);
  ~Log();

  void debug(std::string_view message, Fields fields = {}) const { write(LogLevel::debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) const { write(LogLevel::info, message, fields); }
  void warning(std::string_view message, Fields fields = {}) const { write(LogLevel::warning, message, fields); }
  void error(std::string_view message, Fields fields = {}) const { write(LogLevel::error, message, fields); }

 private:
  void write(LogLevel level, std::string_view message, Fields fields) const;

  LogLevel level_;
  unsigned worker_;
  std::shared_ptr<spdlog::logger> sink_;
};

} // namespace pg_live
