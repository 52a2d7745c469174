// The table of settings, and what they must have in common.
#include "process/settings.hpp"

#include "base/http_text.hpp"
#include "base/origin.hpp"
#include "process/settings_sources.hpp"

#include <map>
#include <stdexcept>

namespace pg_live {

namespace {

constexpr unsigned kMaxLimit = 2000000000;

class SettingsTable {
 public:
  explicit SettingsTable(Settings &settings) : settings_(settings) {
    add_identity();
    add_network();
    add_tls();
    add_database();
    add_presence();
    add_sockets();
    add_limits();
  }

  // As SettingsSources::read().
  int read(int argument_count, const char *const *arguments) {
    return sources_.read(argument_count, arguments, [this] { finish(); });
  }

 private:
  template <typename Value>
  CLI::Option *add(const std::string &name, Value &value, const std::string &help) {
    return sources_.add(name, value, help);
  }

  void add_identity() {
    TokenOptions &tokens = settings_.tokens;
    add("jwt-secret", tokens.secret,
        "Secret of HS256/384/512 tokens, at least 32 bytes; better given in the environment or the file");
    add("jwks", tokens.jwks, "File or https URL of the JSON Web Key Set of other tokens");
    add("jwks-ca", tokens.jwks_ca_file,
        "File with the certificates that those of the URLs' hosts are checked against; default: the system's");
    add("jwks-refresh", tokens.jwks_refresh_seconds, "Seconds after which key sets are read again")
        ->check(CLI::Range(1u, 86400u));
    add("jwt-issuer", issuers_,
        "Issuers whose tokens are accepted (iss), separated by commas; issuer=keys for one whose keys are in a file or "
        "at an https URL of its own");
    add("jwt-audience", audiences_, "Audiences of which a token must name one (aud), separated by commas");
    add("jwt-leeway", tokens.leeway_seconds, "Seconds by which clocks of issuers may be ahead, for nbf and iat")
        ->check(CLI::Range(0u, 600u));
    add("api-keys", api_keys_, "Keys that are no tokens, each with its database role: key=role, separated by commas");
    add("api-key-file", tokens.api_key_file,
        "File of such keys, each a line: a name, a database role and the SHA-256 of the key, in hexadecimal digits");
    add("anonymous", settings_.anonymous, "Let connections without a token in, as --anonymous-role");
    add("anonymous-role", settings_.anonymous_role, "Database role of connections without a token")
        ->capture_default_str();
    add("public-channels", settings_.public_channels,
        "Let clients broadcast to each other on channels that are no topic of the database; such a room does not span "
        "processes");
  }

  void add_network() {
    add("bind", settings_.bind_address, "Address to listen on")->capture_default_str();
    add("port", settings_.port, "Port to listen on; 0 takes a free one and logs it");
    add("workers", settings_.workers, "Processes that share the port")->check(CLI::Range(1, 256));
    add("drain-timeout", settings_.drain_seconds,
        "Seconds after SIGTERM in which clients are let go, many of them in the first half of it one after another, "
        "before the process ends")
        ->check(CLI::Range(1u, 3600u));
    add("allowed-origin", origins_,
        "Origins whose pages may connect, separated by commas: scheme://host[:port], scheme://*.host[:port] for all "
        "below it, or *; default: the same origin only. Programs send no origin");
    add("trusted-proxies", proxies_,
        "Addresses and networks of the proxies in front, separated by commas, whose word about a client's address is "
        "believed");
    add("proxy-protocol", settings_.proxy.sends_preface,
        "Connections of the trusted proxies begin with the PROXY protocol, version 1 or 2");
    add("forwarded-header", forwarded_header_,
        "Header in which the trusted proxies name the client: x-forwarded-for or forwarded")
        ->check(CLI::IsMember({"x-forwarded-for", "forwarded"}))
        ->capture_default_str();
    add("metrics-port", settings_.metrics.port,
        "Port where Prometheus reads /metrics; with --workers, the first of as many; 0: nowhere");
    add("metrics-bind", settings_.metrics.bind_address, "Address of that port")->capture_default_str();
    add("admin-token-file", settings_.admin.token_file,
        "File with the token, at least 16 characters, that operators give at /admin of --metrics-port; default: no "
        "such "
        "page");
    add("admin-payloads", settings_.admin.shows_payloads, "Show payloads of events there, not only their sizes");
    add("demo-dir", settings_.demo_directory, "Folder of static files served at /");
    add("log-level", log_level_, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
  }

  void add_tls() {
    TlsSettings &tls = settings_.tls;
    add("tls-port", tls.port, "Port for encrypted connections, https and wss; 0: none");
    add("tls-certificate", tls.certificate_file,
        "File with the certificate of that port and those that lead to its issuer, in PEM; read again when it changes");
    add("tls-key", tls.key_file, "File with the private key of the certificate, in PEM, without a passphrase");
    add("plain-http", plain_http_,
        "What --port does then with all but health probes: serve, redirect (308; WebSockets are refused) or refuse")
        ->check(CLI::IsMember({"serve", "redirect", "refuse"}))
        ->capture_default_str();
    add("hsts-seconds", tls.hsts_seconds,
        "Seconds for which browsers are told to come encrypted only, unless plain requests are served; 0: never");
  }

  void add_database() {
    DatabaseSettings &database = settings_.database;
    const auto at_least_one = CLI::Range(1u, 1000000u);
    add("db", database.connection_string, "libpq connection string of the database; default: the PG* variables");
    add("listen-db", database.listen_connection_string,
        "The same for the connection that listens, which must not pass a pooler in transaction mode; default: --db");
    add("join-connections", database.join_connections, "Connections for joins and replays")->check(CLI::Range(1, 100));
    add("read-connections", database.read_connections, "Connections for requests that read")->check(CLI::Range(1, 100));
    add("write-connections", database.write_connections, "Connections for commands")->check(CLI::Range(1, 100));
    add("statement-timeout", database.statement_timeout_seconds,
        "Seconds a command may take, waiting included; clients give up after ten")
        ->check(at_least_one);
    add("page-events", database.page_events, "Events of one fetch")->check(at_least_one);
    add("poll-interval", database.poll_seconds, "Seconds between looks when no doorbell rings")->check(at_least_one);
  }

  void add_presence() {
    PresenceSettings &presence = settings_.presence;
    add("lease", presence.lease_seconds, "Seconds the database waits for a sign of life of this bridge")
        ->check(CLI::Range(3, 3600));
    add("presence-gather", presence.gather_milliseconds,
        "Milliseconds in which changes of one topic's members are gathered")
        ->check(CLI::Range(1, 10000));
    add("cursor-gather", presence.cursor_milliseconds, "Milliseconds in which cursors of one session are gathered")
        ->check(CLI::Range(1, 10000));
  }

  void add_limits() {
    for (const LimitEntry &entry : limit_entries()) {
      limit_options_.push_back(add("limit-" + std::string(entry.name), settings_.limits[entry.limit], help_of(entry))
                                   ->check(CLI::Range(entry.may_be_none() ? 0U : 1U, kMaxLimit)));
    }
  }

  static std::string help_of(const LimitEntry &entry) {
    std::string help = "Most " + std::string(entry.what);
    if (entry.may_be_none()) help += "; 0: no limit";
    if (entry.value != entry.value_of_known_addresses)
      help += "; default with --trusted-proxies: " + std::to_string(entry.value_of_known_addresses);
    return help;
  }

  // Where proxies are trusted, addresses are those of clients, and limits by address hold without being asked for.
  void finish_limits() {
    if (settings_.proxy.trusted.empty()) return;
    for (std::size_t i = 0; i < kLimits; ++i)
      if (limit_options_[i]->count() == 0)
        settings_.limits[static_cast<Limit>(i)] = limit_entries()[i].value_of_known_addresses;
  }

  void add_sockets() {
    SocketSettings &sockets = settings_.sockets;
    const auto at_least_one = CLI::Range(1U, kMaxLimit);
    add("send-buffer-bytes", sockets.send_buffer_bytes, "The kernel's send buffer of one socket")->check(at_least_one);
    add("request-timeout", sockets.request_seconds, "Seconds for a complete request")->check(at_least_one);
    add("idle-timeout", sockets.idle_seconds, "Seconds without a sign of life of a client")->check(at_least_one);
    add("ping-interval", sockets.ping_seconds, "Seconds of silence before the server pings")->check(at_least_one);
    add("join-timeout", sockets.join_seconds, "Seconds in which a connection must join a topic")->check(at_least_one);
    add("close-timeout", sockets.close_seconds, "Seconds for a client to answer a close")->check(at_least_one);
  }

  void finish() {
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::debug},
                                                    {"info", LogLevel::info},
                                                    {"warning", LogLevel::warning},
                                                    {"error", LogLevel::error}};
    settings_.log_level = levels.at(log_level_);
    finish_identity();
    for_each_word(origins_,
                  [this](std::string_view word) { settings_.allowed_origins.push_back(checked_origin(word)); });
    for_each_word(proxies_,
                  [this](std::string_view word) { settings_.proxy.trusted.push_back(checked_network(word)); });
    finish_tls();
    check_metrics_port();
    finish_limits();
    settings_.proxy.writes_forwarded = forwarded_header_ == "forwarded";
    if (settings_.proxy.sends_preface && settings_.proxy.trusted.empty())
      throw std::invalid_argument(
          "--proxy-protocol needs --trusted-proxies: from others, a preface could say anything");
    DatabaseSettings &database = settings_.database;
    if (database.listen_connection_string.empty()) database.listen_connection_string = database.connection_string;
  }

  void finish_identity() {
    TokenOptions &tokens = settings_.tokens;
    for_each_word(api_keys_, [&](std::string_view word) { tokens.api_keys.push_back(checked_api_key(word)); });
    for_each_word(audiences_, [&](std::string_view word) { tokens.audiences.emplace_back(word); });
    for_each_word(issuers_, [&](std::string_view word) { tokens.issuers.push_back(parse_issuer(word)); });
    // A list of nothing must not mean that all are accepted.
    if (!audiences_.empty() && tokens.audiences.empty())
      throw std::invalid_argument("--jwt-audience: names no audience");
    if (!issuers_.empty() && tokens.issuers.empty()) throw std::invalid_argument("--jwt-issuer: names no issuer");
    check_token_options(tokens);
  }

  static std::string checked_origin(std::string_view word) {
    if (word.ends_with('/')) word.remove_suffix(1);
    if (!is_origin_rule(word))
      throw std::invalid_argument("--allowed-origin: \"" + std::string(word) +
                                  "\" is no origin: scheme://host[:port], scheme://*.host[:port] or *");
    return std::string(word);
  }

  void finish_tls() {
    TlsSettings &tls = settings_.tls;
    tls.plain_http = plain_http_ == "serve"      ? PlainHttp::serve
                     : plain_http_ == "redirect" ? PlainHttp::redirect
                                                 : PlainHttp::refuse;
    if ((tls.port != 0) != !tls.certificate_file.empty() || (tls.port != 0) != !tls.key_file.empty())
      throw std::invalid_argument("--tls-port, --tls-certificate and --tls-key need each other");
    if (tls.port == 0 && tls.plain_http != PlainHttp::serve)
      throw std::invalid_argument("--plain-http: without --tls-port, plain requests must be served");
    if (tls.port != 0 && tls.port == settings_.port)
      throw std::invalid_argument("--tls-port: port " + std::to_string(tls.port) + " is that of plain requests");
  }

  void check_metrics_port() const {
    const unsigned first = settings_.metrics.port;
    const unsigned last = first + settings_.workers - 1;
    if (first == 0 && !settings_.admin.token_file.empty())
      throw std::invalid_argument("--admin-token-file: needs --metrics-port, where the page is");
    if (first == 0) return;
    if (last > 65535) throw std::invalid_argument("--metrics-port: there are not enough ports for all --workers");
    for (const unsigned port : {settings_.port, settings_.tls.port})
      if (port >= first && port <= last)
        throw std::invalid_argument("--metrics-port: port " + std::to_string(port) + " is that of clients");
  }

  static IpNetwork checked_network(std::string_view word) {
    const auto network = IpNetwork::parse(word);
    if (!network)
      throw std::invalid_argument("--trusted-proxies: \"" + std::string(word) +
                                  "\" is no address and no network: 192.0.2.1 or 10.0.0.0/8");
    return *network;
  }

  static std::string checked_api_key(std::string_view word) {
    const std::size_t separator = word.rfind('=');
    if (separator == std::string_view::npos || separator == 0 || separator + 1 == word.size())
      throw std::invalid_argument("--api-keys: each key needs a role: key=role");
    return std::string(word);
  }

  Settings &settings_;
  SettingsSources sources_;
  std::vector<CLI::Option *> limit_options_; // in the order of the limits
  std::string origins_;
  std::string proxies_;
  std::string forwarded_header_ = "x-forwarded-for";
  std::string plain_http_ = "serve";
  std::string api_keys_;
  std::string issuers_;
  std::string audiences_;
  std::string log_level_ = "info";
};

} // namespace

std::optional<Settings> read_settings(int argument_count, const char *const *arguments, int &exit_code) {
  Settings settings;
  SettingsTable table(settings);
  exit_code = table.read(argument_count, arguments);
  if (exit_code >= 0) return std::nullopt;
  return settings;
}

} // namespace pg_live
