// A disk that takes its time: preloaded into a private cluster (LD_PRELOAD), it makes every flush last at least
// FLUSH_MICROSECONDS. The real flush still happens; what it took counts as part of that time. Nothing else is slowed
// down. The server must flush its log with fdatasync or fsync (wal_sync_method), not by opening it with O_DSYNC.
#include <dlfcn.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using Flush = int (*)(int);

std::chrono::microseconds least_time() {
  static const char *const setting = std::getenv("FLUSH_MICROSECONDS");
  static const long microseconds = setting == nullptr ? 0 : std::strtol(setting, nullptr, 10);
  return std::chrono::microseconds(microseconds);
}

int slowly(Flush flush, int descriptor) {
  const auto end = std::chrono::steady_clock::now() + least_time();
  const int result = flush(descriptor);
  const int error = errno;
  std::this_thread::sleep_until(end);
  errno = error;
  return result;
}

Flush real(const char *name) { return reinterpret_cast<Flush>(dlsym(RTLD_NEXT, name)); }

} // namespace

extern "C" {

int fdatasync(int descriptor) {
  static const Flush flush = real("fdatasync");
  return slowly(flush, descriptor);
}

int fsync(int descriptor) {
  static const Flush flush = real("fsync");
  return slowly(flush, descriptor);
}
}
