// Terminates workers and listeners by their backend, and kills a writer's backend as the kernel would.
#include "strikes.hpp"

#include <csignal>
#include <string>
#include <thread>

namespace pg_live::storm {

using namespace std::chrono_literals;

namespace {

void terminate_worker(Connection &connection, Progress &progress) {
  const Result killed = connection.run("select pg_terminate_backend(pid) from pg_stat_activity"
                                       " where backend_type = 'pg_live worker' and datname = current_database()");
  if (killed.rows() > 0) progress.count_strike();
}

void cut_listener(Connection &connection, Progress &progress, const Listener &listener) {
  connection.run("select pg_terminate_backend($1)", {std::to_string(listener.backend_pid())});
  progress.count_strike();
}

// The postmaster answers by ending every session and recovering from the log.
void kill_backend(Progress &progress, const Writer &writer) {
  kill(writer.backend_pid(), SIGKILL);
  progress.count_strike();
}

} // namespace

void strike(const Options &options, Progress &progress, const Listener *listener, const std::deque<Writer> &writers) {
  Connection connection(options.address, "storm");
  bool killed = false;
  while (progress.writing()) {
    const Clock::time_point next = Clock::now() + 1s;
    if (options.terminate_worker) terminate_worker(connection, progress);
    if (options.cut_listener && listener != nullptr) cut_listener(connection, progress, *listener);
    if (options.kill_writer && !killed && progress.transactions() > options.transactions / 2) {
      kill_backend(progress, writers.front());
      killed = true;
    }
    while (progress.writing() && Clock::now() < next)
      std::this_thread::sleep_for(20ms);
  }
}

} // namespace pg_live::storm
