// Forking and waiting. The parent has no loop: it waits for signals one by one (sigwaitinfo), so no handler runs at a
// bad time.
#include "process/workers.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>
#include <vector>

namespace pg_live {

namespace {

// Seconds. If a worker ends this soon after the start of all, before any of them lasted longer, the settings are wrong.
constexpr time_t kYoung = 2;
constexpr time_t kMaxPause = 30; // seconds until a worker that ends again and again is replaced
constexpr time_t kSettled = 60;  // seconds after which a worker counts as one that stays up

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    sigaddset(&set, number);
  return set;
}

class Workers {
 public:
  Workers(const Log &log, const std::function<int(unsigned)> &run) : log_(log), run_(run), signals_(watched_signals()) {
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }

  int supervise(unsigned count) {
    for (unsigned worker = 1; worker <= count; ++worker)
      start(worker);
    while (!workers_.empty() || !pauses_.empty()) {
      const int number = wait_for_signal();
      if (number == SIGCHLD) collect();
      if (number == SIGTERM || number == SIGINT) {
        stop();
      }
      if (number == SIGHUP) pass_on(SIGHUP);
      replace_due();
    }
    return exit_code_;
  }

 private:
  struct Worker {
    unsigned number;
    time_t since;
    unsigned failures; // how often in a row it ended before it had settled
  };

  struct Pause {
    unsigned number;
    unsigned failures;
    time_t until;
  };

  void stop() {
    stopping_ = true;
    pauses_.clear();
    pass_on(SIGTERM);
  }

  void pass_on(int number) const {
    for (const auto &[process, worker] : workers_)
      kill(process, number);
  }

  // The next signal, or -1 after a second in which a pause may have ended.
  int wait_for_signal() const {
    if (pauses_.empty()) return sigwaitinfo(&signals_, nullptr);
    const timespec second{1, 0};
    return sigtimedwait(&signals_, nullptr, &second);
  }

  void replace_due() {
    const time_t now = time(nullptr);
    const auto due =
        std::partition(pauses_.begin(), pauses_.end(), [now](const Pause &pause) { return pause.until > now; });
    const std::vector<Pause> ended(due, pauses_.end());
    pauses_.erase(due, pauses_.end());
    for (const Pause &pause : ended)
      start(pause.number, pause.failures);
  }

  void start(unsigned number, unsigned failures = 0) {
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process == 0) {
      // A worker whose parent is killed must not stay behind, holding the port.
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(1);
      sigprocmask(SIG_UNBLOCK, &signals_, nullptr);
      std::exit(run_(number));
    }
    if (process > 0) {
      workers_[process] = {number, time(nullptr), failures};
    } else {
      log_.error("could not start a worker", {{"worker_number", number}});
      exit_code_ = 1;
    }
  }

  void collect() {
    int status = 0;
    for (pid_t process; (process = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = workers_.find(process);
      if (found == workers_.end()) continue;
      const Worker ended = found->second;
      workers_.erase(found);
      // One that had just been started may not have listened to the signal yet.
      const bool well = (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                        (stopping_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
      if (stopping_) {
        if (!well) exit_code_ = 1;
      } else {
        replace(ended);
      }
    }
  }

  void replace(const Worker &ended) {
    const time_t age = time(nullptr) - ended.since;
    lasted_ = lasted_ || age >= kYoung || std::any_of(workers_.begin(), workers_.end(), [](const auto &other) {
                return time(nullptr) - other.second.since >= kYoung;
              });
    if (!lasted_) {
      log_.error("a worker could not stay up", {{"worker_number", ended.number}});
      exit_code_ = 1;
      return stop();
    }
    const unsigned failures = age >= kSettled ? 0 : ended.failures;
    const time_t pause = failures == 0 ? 0 : std::min<time_t>(time_t{1} << std::min(failures, 5u), kMaxPause);
    log_.error("a worker ended unexpectedly and is replaced",
               {{"worker_number", ended.number}, {"seconds_until", pause}});
    pauses_.push_back({ended.number, failures + 1, time(nullptr) + pause});
  }

  const Log &log_;
  const std::function<int(unsigned)> &run_;
  sigset_t signals_;
  std::map<pid_t, Worker> workers_;
  std::vector<Pause> pauses_; // of workers that are to be replaced
  bool lasted_ = false;       // whether any worker ever stayed up for kYoung
  bool stopping_ = false;
  int exit_code_ = 0;
};

} // namespace

int run_workers(unsigned count, const Log &log, const std::function<int(unsigned)> &run) {
  return Workers(log, run).supervise(count);
}

} // namespace pg_live
