// Forking and waiting. The parent has no loop: it waits for signals one by one (sigwaitinfo), so no handler runs at a
// bad time.
#include "workers.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <map>

namespace pg_live {

namespace {

constexpr time_t kYoung = 2; // seconds: a worker that ends this soon would end again

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD})
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
    while (!workers_.empty()) {
      const int number = sigwaitinfo(&signals_, nullptr);
      if (number == SIGCHLD) collect();
      if (number == SIGTERM || number == SIGINT) {
        stopping_ = true;
        for (const auto &[process, worker] : workers_)
          kill(process, SIGTERM);
      }
    }
    return exit_code_;
  }

 private:
  struct Worker {
    unsigned number;
    time_t since;
  };

  void start(unsigned number) {
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
      workers_[process] = {number, time(nullptr)};
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
      const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (stopping_) {
        if (!well) exit_code_ = 1;
      } else if (time(nullptr) - ended.since < kYoung) {
        log_.error("a worker could not stay up", {{"worker_number", ended.number}});
        stopping_ = true;
        exit_code_ = 1;
        for (const auto &[other, worker] : workers_)
          kill(other, SIGTERM);
      } else {
        log_.error("a worker ended unexpectedly and is replaced", {{"worker_number", ended.number}});
        start(ended.number);
      }
    }
  }

  const Log &log_;
  const std::function<int(unsigned)> &run_;
  sigset_t signals_;
  std::map<pid_t, Worker> workers_;
  bool stopping_ = false;
  int exit_code_ = 0;
};

} // namespace

int run_workers(unsigned count, const Log &log, const std::function<int(unsigned)> &run) {
  return Workers(log, run).supervise(count);
}

} // namespace pg_live
