// The command line of the storm.
#pragma once

#include <chrono>
#include <span>
#include <string>

namespace pg_live::storm {

struct Options {
  std::string address;                  // --address: a libpq connection string
  std::string ledger;                   // --ledger: file for the committed events; empty: none is written
  int transactions = 10'000;            // --transactions: at least so many
  int writers = 16;                     // --writers
  int seed = 1;                         // --seed: of what the writers choose
  int strikes = 0;                      // --strikes: the storm goes on until so many strikes were made
  bool listen = true;                   // --no-listener: only write
  bool publish = false;                 // --publish: the listener publishes before it fetches
  bool parts = false;                   // --parts: transactions may be delivered in parts
  bool prepare = false;                 // --prepare: some transactions are prepared and finished elsewhere
  bool terminate_worker = false;        // --terminate-worker: every second
  bool cut_listener = false;            // --cut-listener: every second
  bool kill_writer = false;             // --kill-writer: once, with SIGKILL
  std::chrono::seconds time_limit{240}; // --time-limit: seconds until the storm gives up
};

// Reads the arguments; throws std::invalid_argument naming the one it does not understand.
Options parse_options(std::span<char *> arguments);

} // namespace pg_live::storm
