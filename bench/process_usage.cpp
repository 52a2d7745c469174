// Reads /proc/PID/stat and /proc/PID/smaps_rollup.
#include "process_usage.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace pg_live::bench {

namespace {

std::ifstream open_file(pid_t process, const char *name) {
  const std::string path = "/proc/" + std::to_string(process) + "/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return file;
}

} // namespace

std::chrono::microseconds cpu_time(pid_t process) {
  std::ifstream file = open_file(process, "stat");
  std::string line;
  std::getline(file, line);
  // The second field is the name in parentheses and may hold spaces; utime and stime are the 14th and 15th.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return std::chrono::microseconds((user + system) * 1'000'000 / sysconf(_SC_CLK_TCK));
}

Memory memory_of(pid_t process) {
  std::ifstream file = open_file(process, "smaps_rollup");
  Memory memory;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    long kilobytes = 0;
    fields >> name >> kilobytes;
    if (name == "Rss:") memory.resident_kb = kilobytes;
    if (name == "Pss:") memory.proportional_kb = kilobytes;
  }
  return memory;
}

} // namespace pg_live::bench
