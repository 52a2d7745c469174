// What became of commands since the process began, by their names.
// Invariant: bounded, since names are literals and of a name only so many kinds of errors are told apart.
#pragma once

#include "metrics/histogram.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pg_live {

struct CommandTally {
  static constexpr std::size_t kMaxErrors = 50;

  Histogram durations;                         // waiting included, of those that succeeded and those that failed
  std::map<std::string, std::uint64_t> errors; // by SQLSTATE, "other" once there are many

  void note_error(const std::string &sqlstate) {
    ++errors[errors.size() < kMaxErrors || errors.contains(sqlstate) ? sqlstate : "other"];
  }
};

using CommandTallies = std::map<std::string_view, CommandTally>;

} // namespace pg_live
