// All settings of an operator. Precedence: command line, then environment (PG_LIVE_*), then configuration file, then
// default. Invariant: a setting exists once, in the table of settings.cpp, which makes its flag, its environment
// variable, its key in the file and its line of --help; limits are listed in limits/limit.cpp.
#pragma once

#include "base/ip_address.hpp"
#include "limits/limit.hpp"
#include "process/log.hpp"
#include "process/ticket_keys.hpp"
#include "process/token_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pg_live {

// Of the sockets of clients. Durations are in the unit of their name.
struct SocketSettings {
  unsigned send_buffer_bytes = 131072; // SO_SNDBUF
  unsigned request_seconds = 10;       // from accept to a complete request
  // Without a sign of life of the client. Clients that send a heartbeat every 25 seconds and wait as long for its
  // answer reconnect after 50: by then the connection that broke silently has ended, but its grace period has not.
  unsigned idle_seconds = 45;
  unsigned ping_seconds = 30;  // of silence before the server pings
  unsigned join_seconds = 120; // a socket that has joined nothing is closed
  unsigned close_seconds = 3;  // for the client to answer a close
};

struct DatabaseSettings {
  std::string connection_string;
  std::string listen_connection_string; // of the one connection that listens: no pooler in transaction mode
  unsigned join_connections = 2;
  unsigned read_connections = 3;
  unsigned write_connections = 4;
  unsigned statement_timeout_seconds = 7; // clients give up after ten seconds
  unsigned page_events = 1000;            // of one fetch
  unsigned poll_seconds = 5;              // between checks without a doorbell
};

struct PresenceSettings {
  unsigned lease_seconds = 30;       // how long the database waits for a sign of life of this process
  unsigned gather_milliseconds = 10; // of changes of one topic before they are sent
  unsigned cursor_milliseconds = 25; // in which cursors of a session are gathered
};

// What stands in front of the bridge.
struct ProxySettings {
  std::vector<IpNetwork> trusted; // whose word about the client's address is believed
  bool sends_preface = false;     // each connection of theirs begins with the PROXY protocol
  bool writes_forwarded = false;  // Forwarded, in place of X-Forwarded-For
};

// How requests are taken that are not encrypted, where a port for encrypted ones exists.
enum class PlainHttp { serve, redirect, refuse };

// The port for encrypted connections.
struct TlsSettings {
  std::uint16_t port = 0; // 0: nowhere
  std::string certificate_file;
  std::string key_file;
  PlainHttp plain_http = PlainHttp::serve;
  unsigned hsts_seconds = 31536000; // for which browsers are told to use no other; unless plain requests are served
  TicketKeys ticket_keys;
};

// Where Prometheus reads. Each process has its own port: this one and those that follow.
struct MetricsSettings {
  std::string bind_address = "127.0.0.1";
  std::uint16_t port = 0; // 0: nowhere
};

// The operator's page, at the port where Prometheus reads.
struct AdminSettings {
  std::string token_file; // empty: there is no such page
  bool shows_payloads = false;
};

struct Settings {
  DatabaseSettings database;
  PresenceSettings presence;
  std::string bind_address = "127.0.0.1";
  std::uint16_t port = 4000;
  unsigned workers = 1;
  unsigned drain_seconds = 10; // from SIGTERM to the end, at the latest
  TokenOptions tokens;
  std::vector<std::string> allowed_origins; // empty: the same origin, and programs, which send none
  MetricsSettings metrics;
  AdminSettings admin;
  TlsSettings tls;
  ProxySettings proxy;
  bool anonymous = false;
  std::string anonymous_role = "anon";
  bool public_channels = false;
  std::string demo_directory;
  LogLevel log_level = LogLevel::info;
  SocketSettings sockets;
  Limits limits;
};

// Reads all sources. Empty if the program should end at once with `exit_code` (help, version, or an error, already
// printed).
std::optional<Settings> read_settings(int argument_count, const char *const *arguments, int &exit_code);

} // namespace pg_live
