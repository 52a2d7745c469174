// JSON lines through spdlog, which here only owns the sink and its lock: its own JSON is a pattern without escaping.
#include "process/log.hpp"

#include "text/json_writer.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <ctime>

namespace pg_live {

namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
  case LogLevel::debug:
    return "debug";
  case LogLevel::info:
    return "info";
  case LogLevel::warning:
    return "warning";
  case LogLevel::error:
    return "error";
  }
  return "error";
}

void append_time(std::string &out) {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  out.append(text.data(), length);
  length = static_cast<std::size_t>(std::snprintf(text.data(), text.size(), ".%03dZ", static_cast<int>(milliseconds)));
  out.append(text.data(), length);
}

} // namespace

Log::Log(LogLevel level, unsigned worker)
    : level_(level), worker_(worker),
      sink_(std::make_shared<spdlog::logger>("pg-live-bridge", std::make_shared<spdlog::sinks::stderr_sink_st>())) {
  sink_->set_pattern("%v");
  sink_->set_level(spdlog::level::trace);
  sink_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, Fields fields) const {
  if (level < level_) return;
  std::string line = "{\"time\":\"";
  append_time(line);
  line.append("\",\"level\":\"").append(name_of(level)).append("\",\"worker\":").append(std::to_string(worker_));
  json::append_member(line, "message", message);
  for (const LogField &field : fields) {
    if (const auto *text = std::get_if<std::string_view>(&field.value)) {
      json::append_member(line, field.name, *text);
    } else if (const auto *number = std::get_if<std::int64_t>(&field.value)) {
      json::append_raw_member(line, field.name, std::to_string(*number));
    } else {
      json::append_raw_member(line, field.name, std::get<bool>(field.value) ? "true" : "false");
    }
  }
  line.push_back('}');
  sink_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

} // namespace pg_live
