// Names and descriptions of the metrics. Names follow Prometheus: base units, _total for what only grows.
#include "metrics_page.hpp"

#include "metrics/exposition.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace pg_live {

namespace {

double seconds(const timeval &time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Also of what else has grown: with few connections it says little.
std::uint64_t estimated_connection_bytes(std::uint64_t resident, std::size_t connections) {
  static const std::uint64_t at_first = resident;
  return connections == 0 || resident < at_first ? 0 : (resident - at_first) / connections;
}

void append_process(Exposition &page, std::size_t connections) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  page.counter("process_cpu_seconds_total", "CPU time of the process.",
               seconds(usage.ru_utime) + seconds(usage.ru_stime));
  const std::uint64_t resident = resident_bytes();
  page.gauge("process_resident_memory_bytes", "Memory of the process in RAM.", resident);
  page.gauge("pg_live_connection_memory_bytes",
             "Estimate: what this memory grew by since it was first asked for, divided among the connections.",
             estimated_connection_bytes(resident, connections));
}

void append_connections(Exposition &page, ConnectionRegistry &connections) {
  const ConnectionTally &tally = connections.tally();
  page.gauge("pg_live_connections", "WebSockets that are open.", connections.open());
  page.counter("pg_live_connections_opened_total", "WebSockets that were opened.", tally.opened);
  page.begin_counter("pg_live_connections_closed_total",
                     "WebSockets that the bridge closed, by the code of the close.");
  for (const auto &[code, count] : tally.closed)
    page.sample({{"code", std::to_string(code)}}, count);
  page.begin_counter("pg_live_connections_refused_total", "Upgrades that were refused, by the status of the answer.");
  for (const auto &[status, count] : tally.refused)
    page.sample({{"status", std::to_string(status)}}, count);
  page.counter("pg_live_messages_received_total", "Whole messages of clients.", tally.messages_received);
  page.counter("pg_live_received_bytes_total", "Bytes of these messages.", tally.bytes_received);
  page.counter("pg_live_writes_total", "Writes to sockets, each of one or more frames.", tally.writes);
  page.counter("pg_live_written_bytes_total", "Bytes of these frames.", tally.bytes_written);
  page.gauge("pg_live_queued_bytes", "Bytes that wait for clients that read slowly.", tally.bytes_queued);
  page.counter("pg_live_slow_readers_closed_total", "Connections that were closed since too much waited for them.",
               tally.slow_readers_closed);
}

void append_events(Exposition &page, const Hub &hub, const Listener &listener) {
  page.gauge("pg_live_topics", "Topics and rooms that channels have joined.", hub.topics());
  page.gauge("pg_live_channels", "Channels that have joined them.", hub.subscriptions());
  page.counter("pg_live_events_total", "Events that came from the database.", hub.tally().events);
  page.counter("pg_live_deliveries_total", "Deliveries of these events, each to one channel.", hub.tally().deliveries);
  page.counter("pg_live_events_skipped_total", "Events that cannot be sent.", listener.skipped());
  page.histogram("pg_live_batch_lag_seconds", "Time from the publication of a batch to its arrival.",
                 hub.tally().arrival);
  page.histogram("pg_live_publication_to_socket_seconds",
                 "Time from the publication of a batch until its events were written, or queued for slow readers.",
                 hub.tally().writing);
  page.gauge("pg_live_slow_readers", "Connections for which the stream waits.", hub.clients_behind());
  page.gauge("pg_live_events_flow", "1 if everything up to a moment ago was fetched, 0 if not.",
             listener.ready() ? 1U : 0U);
}

void append_commands(Exposition &page, const Database &database) {
  page.gauge("pg_live_commands_ready", "1 if commands of every kind would reach the database, 0 if not.",
             database.ready() ? 1U : 0U);
  page.begin_gauge("pg_live_database_connections", "Connections to the database that commands are sent to, by kind.");
  for (const auto &lane : database.lanes())
    page.sample({{"kind", lane.name}}, lane.ready);
  page.begin_gauge("pg_live_database_connections_wanted", "How many there are to be.");
  for (const auto &lane : database.lanes())
    page.sample({{"kind", lane.name}}, lane.connections);
  page.gauge("pg_live_commands_unfinished", "Commands that wait or run.", database.unfinished_commands());
  page.begin_histogram("pg_live_command_seconds",
                       "Time from a command to its answer, waiting included. access: may a user join a topic.");
  for (const auto &[name, tally] : database.tallies())
    page.sample({"command", name}, tally.durations);
  page.begin_counter("pg_live_command_errors_total", "Commands that failed or were refused, by SQLSTATE.");
  for (const auto &[name, tally] : database.tallies())
    for (const auto &[sqlstate, count] : tally.errors)
      page.sample({{"command", name}, {"sqlstate", sqlstate}}, count);
}

void append_tls(Exposition &page, const TlsServer &tls) {
  page.gauge("pg_live_tls_connections", "Encrypted connections whose handshake is done.", tls.open());
  page.gauge("pg_live_tls_handshakes_unfinished", "Encrypted connections whose handshake is not done.",
             tls.unfinished_handshakes());
  page.begin_counter("pg_live_tls_handshakes_total", "Handshakes by their result: done, failed.");
  page.sample({{"result", "done"}}, tls.tally().finished);
  page.sample({{"result", "failed"}}, tls.tally().failed);
  page.gauge("pg_live_tls_certificate_expiry_seconds", "When the certificate expires, in seconds since 1970.",
             static_cast<std::uint64_t>(tls.certificate_expiry().time_since_epoch().count()));
}

} // namespace

std::string metrics_page(const MetricsSources &sources) {
  Exposition page;
  append_connections(page, sources.connections);
  append_events(page, sources.hub, sources.listener);
  append_commands(page, sources.database);
  page.begin_counter("pg_live_joins_total",
                     "Joins whose access was asked for, by the answer: ok, or the SQLSTATE of the refusal.");
  for (const auto &[result, count] : sources.joins)
    page.sample({{"result", result}}, count);
  if (sources.tls != nullptr) append_tls(page, *sources.tls);
  page.begin_counter("pg_live_limits_hit_total", "What clients wanted beyond a limit, by the limit: --limit-<name>.");
  for (const LimitEntry &entry : limit_entries())
    page.sample({{"limit", entry.name}}, sources.limiter.hits(entry.limit));
  append_process(page, sources.connections.open());
  return page.text();
}

} // namespace pg_live
