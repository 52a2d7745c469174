// What a process has used, as the kernel accounts for it (/proc). The process must be ours, or we root.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace pg_live::bench {

// CPU time, user and system, of all threads since the process started. Grain: one clock tick (10 ms).
std::chrono::microseconds cpu_time(pid_t process);

struct Memory {
  long resident_kb = 0;     // Rss: with the pages shared with other processes
  long proportional_kb = 0; // Pss: a page shared by n processes counts 1/n
};

Memory memory_of(pid_t process);

} // namespace pg_live::bench
