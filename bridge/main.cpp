// pg-live-bridge: forwards committed events of PostgreSQL to browsers.
#include "database/connection_string.hpp"
#include "node.hpp"
#include "process/log.hpp"
#include "process/settings.hpp"
#include "process/workers.hpp"

#include <csignal>
#include <exception>
#include <iostream>

namespace {

int run(const pg_live::Settings &settings, unsigned worker) {
  const pg_live::Log log(settings.log_level, worker);
  try {
    return pg_live::run_node(settings, log);
  } catch (const std::exception &error) {
    log.error(error.what());
    return 1;
  }
}

} // namespace

int main(int argument_count, char **arguments) {
  int exit_code = 0;
  const auto settings = pg_live::read_settings(argument_count, arguments, exit_code);
  if (!settings) return exit_code;
  try {
    pg_live::check_connection_string("--db", settings->database.connection_string);
    pg_live::check_connection_string("--listen-db", settings->database.listen_connection_string);
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN); // a peer that is gone is an error of that write, not of the process
  if (settings->workers == 1) return run(*settings, 1);
  const pg_live::Log log(settings->log_level, 0);
  return pg_live::run_workers(settings->workers, log, [&](unsigned worker) { return run(*settings, worker); });
}
