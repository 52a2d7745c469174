// The load client: `load_client MODE --help`. Prints one `name=value` a line, times in milliseconds.
//
//   connect   how long it takes to connect and join; ends then
//   receive   connects, then measures for a while the events that arrive, and what CPU the server used for them
//   idle      connects, then reads the server's memory
#include "load.hpp"
#include "process_usage.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace pg_live::bench {

namespace {

struct ModeSettings {
  std::vector<pid_t> processes; // of the server: several when it has workers
  unsigned seconds = 10;        // of the window
  unsigned settle = 2;          // seconds between the last join and the window
};

void print(const std::string &name, double value) { std::cout << name << '=' << value << '\n'; }

void print_times(const std::string &name, std::vector<std::uint32_t> microseconds) {
  if (microseconds.empty()) return;
  std::sort(microseconds.begin(), microseconds.end());
  const auto at = [&microseconds](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(microseconds.size()));
    return microseconds[std::min(index, microseconds.size() - 1)] / 1000.0;
  };
  print(name + "_p50", at(0.50));
  print(name + "_p95", at(0.95));
  print(name + "_p99", at(0.99));
  print(name + "_max", at(1));
}

void print_reasons(const std::string &name, const std::map<std::string, unsigned> &reasons) {
  unsigned total = 0;
  for (const auto &[reason, count] : reasons) {
    total += count;
    std::cerr << name << ": " << count << " times: " << reason << '\n';
  }
  print(name, total);
}

double total_cpu(const ModeSettings &mode) {
  std::chrono::microseconds total{};
  for (const pid_t process : mode.processes)
    total += cpu_time(process);
  return static_cast<double>(total.count());
}

Memory total_memory(const ModeSettings &mode) {
  Memory total;
  for (const pid_t process : mode.processes) {
    const Memory memory = memory_of(process);
    total.resident_kb += memory.resident_kb;
    total.proportional_kb += memory.proportional_kb;
  }
  return total;
}

void connect_clients(Load &load) {
  load.connect_all();
  print("joined", static_cast<double>(load.seen().joins.size()));
  print_reasons("refused", load.seen().refusals);
  print_times("upgrade_ms", load.seen().upgrades); // of the raw loop: none
  print_times("join_ms", load.seen().joins);
}

void receive(Load &load, const ModeSettings &mode) {
  connect_clients(load);
  load.serve(std::chrono::seconds(mode.settle));
  load.start_window();
  const double cpu_before = total_cpu(mode);
  const auto start = Clock::now();
  load.serve(std::chrono::seconds(mode.seconds));
  const std::chrono::duration<double> window = Clock::now() - start;
  const double cpu = total_cpu(mode) - cpu_before;
  const Observations &seen = load.seen();
  const auto deliveries = static_cast<double>(seen.latencies.size());
  print("deliveries", deliveries);
  print("deliveries_per_second", deliveries / window.count());
  print("lost", static_cast<double>(seen.lost));
  print("repeated", static_cast<double>(seen.repeated));
  print_reasons("disconnected", seen.disconnects);
  if (deliveries == 0) return;
  print("message_bytes", static_cast<double>(seen.frame_bytes) / deliveries);
  print_times("latency_ms", seen.latencies);
  if (!mode.processes.empty()) print("cpu_us_per_delivery", cpu / deliveries);
}

void idle(Load &load, const ModeSettings &mode) {
  const Memory before = total_memory(mode);
  connect_clients(load);
  load.serve(std::chrono::seconds(mode.settle));
  const Memory after = total_memory(mode);
  const double cpu_before = total_cpu(mode);
  load.serve(std::chrono::seconds(mode.seconds));
  print("idle_cpu_percent", (total_cpu(mode) - cpu_before) / 10'000.0 / mode.seconds);
  print_reasons("disconnected", load.seen().disconnects);
  const auto connections = static_cast<double>(load.seen().joins.size());
  print("rss_mb_before", static_cast<double>(before.resident_kb) / 1024);
  print("rss_mb_after", static_cast<double>(after.resident_kb) / 1024);
  print("rss_kb_per_connection", static_cast<double>(after.resident_kb - before.resident_kb) / connections);
  print("pss_kb_per_connection", static_cast<double>(after.proportional_kb - before.proportional_kb) / connections);
}

void add_options(CLI::App &app, LoadSettings &load, ModeSettings &mode) {
  app.require_subcommand(1);
  app.fallthrough();
  app.add_subcommand("connect", "Connect and join, then end");
  app.add_subcommand("receive", "Measure events that arrive");
  app.add_subcommand("idle", "Measure the memory of idle connections");
  app.add_option("--host", load.host, "Address of the server");
  app.add_option("--port", load.port, "Port of the server");
  app.add_option("--connections", load.connections, "Number of clients");
  app.add_option("--rate", load.rate, "Clients started a second; 0: all at once");
  app.add_option("--topic", load.topic, "Topic to join");
  app.add_option("--secret", load.secret, "Secret of the tokens")->envname("PG_LIVE_JWT_SECRET");
  app.add_flag("--raw", load.raw, "The server is raw_epoll: no handshake, no join");
  app.add_option("--timeout", load.timeout, "Seconds for all clients to join");
  app.add_option("--pid", mode.processes, "Processes of the server, whose CPU and memory are read");
  app.add_option("--seconds", mode.seconds, "Length of the window");
  app.add_option("--settle", mode.settle, "Seconds between the last join and the window");
}

int run(int argument_count, char **arguments) {
  CLI::App app{"Many clients of the bridge in one process"};
  LoadSettings load_settings;
  ModeSettings mode;
  add_options(app, load_settings, mode);
  CLI11_PARSE(app, argument_count, arguments);
  Load load(load_settings);
  if (app.got_subcommand("connect")) connect_clients(load);
  if (app.got_subcommand("receive")) receive(load, mode);
  if (app.got_subcommand("idle")) idle(load, mode);
  return load.seen().refusals.empty() && load.seen().disconnects.empty() ? 0 : 1;
}

} // namespace

} // namespace pg_live::bench

int main(int argument_count, char **arguments) {
  try {
    return pg_live::bench::run(argument_count, arguments);
  } catch (const std::exception &error) {
    std::cerr << "load_client: " << error.what() << '\n';
    return 2;
  }
}
