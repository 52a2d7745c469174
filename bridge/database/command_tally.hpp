// What became of commands since the process began, by their names, which are literals.
#pragma once

#include "metrics/histogram.hpp"
#include "metrics/name_counts.hpp"

#include <map>
#include <string_view>

namespace pg_live {

struct CommandTally {
  Histogram durations; // waiting included, of those that succeeded and those that failed
  NameCounts errors;   // by SQLSTATE
};

using CommandTallies = std::map<std::string_view, CommandTally>;

} // namespace pg_live
