// Whichever way a setting comes in, it is the same value or the program does not start.
#include "process/settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace pg_live {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("pg_live_settings." + std::to_string(getpid()));
  }
  void TearDown() override {
    std::filesystem::remove(path_);
    for (const auto *variable : {"PG_LIVE_JWT_SECRET", "PG_LIVE_PORT", "PG_LIVE_CONFIG", "PG_LIVE_ANONYMOUS"})
      unsetenv(variable);
  }

  std::string file(std::string_view text) {
    std::ofstream(path_) << text;
    return path_.string();
  }

  // Empty where the program would end; `output` is what it says then.
  std::optional<Settings> read(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "pg-live-bridge");
    std::vector<const char *> pointers;
    pointers.reserve(arguments.size());
    for (const std::string &argument : arguments)
      pointers.push_back(argument.c_str());
    testing::internal::CaptureStderr();
    auto settings = read_settings(static_cast<int>(pointers.size()), pointers.data(), exit_code_);
    output_ = testing::internal::GetCapturedStderr();
    return settings;
  }

  std::filesystem::path path_;
  int exit_code_ = 0;
  std::string output_;
};

// realtime-js sends a heartbeat every 25 seconds, phoenix every 30, and gives up when the next one is due. A connection
// that broke off silently ends before its client connects again, and the client comes back within the grace period (10
// s) of what it tracked. A client that sends its heartbeats is not asked for more signs of life.
TEST_F(SettingsTest, SilentConnectionsEndBeforeTheirClientsComeBack) {
  const auto settings = read({});
  ASSERT_TRUE(settings);
  EXPECT_LT(settings->sockets.idle_seconds, 2 * 25u);
  EXPECT_GT(settings->sockets.idle_seconds + 10u, 2 * 25u);
  EXPECT_GT(settings->sockets.ping_seconds, 25u);
  EXPECT_GE(settings->sockets.idle_seconds, settings->sockets.ping_seconds + 10u);
}

// Clients give up after ten seconds. A connection to the database that is silent is given up 1.5 s after the command.
TEST_F(SettingsTest, CommandsAreAnsweredBeforeClientsGiveUp) {
  const auto settings = read({});
  ASSERT_TRUE(settings) << output_;
  EXPECT_LE(settings->database.statement_timeout_seconds, 8U);
}

TEST_F(SettingsTest, ValueIsTheSameByFlagEnvironmentAndFile) {
  for (const std::string text : {"with a space in the secret it is", "a,b", "x#y", "[a,b]", "a=b", "{x}", "-x",
                                 "--port=1", "%20", "it's", "\\", "true", "\xc3\xa9"}) {
    const std::string value = text + std::string(32, 's') + text;
    const auto by_flag = read({"--jwt-secret=" + value});
    setenv("PG_LIVE_JWT_SECRET", value.c_str(), 1);
    const auto by_environment = read({});
    unsetenv("PG_LIVE_JWT_SECRET");
    const auto by_file = read({"--config", file("jwt-secret = " + value)});
    for (const auto &settings : {by_flag, by_environment, by_file}) {
      ASSERT_TRUE(settings) << value << output_;
      EXPECT_EQ(settings->tokens.secret, value);
    }
  }
}

// RFC 7518 section 3.2.
TEST_F(SettingsTest, SecretShorterThanItsHashEndsTheProgram) {
  const std::string enough(32, 's');
  EXPECT_TRUE(read({"--jwt-secret", enough}));
  EXPECT_TRUE(read({})) << "none at all: tokens of the key set alone";
  for (const std::string &secret : {std::string("s"), enough.substr(1)}) {
    setenv("PG_LIVE_JWT_SECRET", secret.c_str(), 1);
    const std::vector<std::vector<std::string>> ways = {
        {}, {"--jwt-secret", secret}, {"--config", file("jwt-secret = " + secret)}};
    for (const auto &arguments : ways) {
      EXPECT_FALSE(read(arguments));
      EXPECT_EQ(exit_code_, 2);
      EXPECT_EQ(output_,
                "--jwt-secret: the secret must have at least 32 bytes\nhint: openssl rand -hex 32 makes one\n");
    }
  }
}

TEST_F(SettingsTest, IssuersMayHaveKeysOfTheirOwn) {
  const auto settings =
      read({"--jwks", "keys.json", "--jwt-issuer", "supabase, https://a.example=https://a.example/jwks?v=1 ,b=b.json",
            "--jwt-audience", "authenticated,events", "--jwt-leeway", "5"});
  ASSERT_TRUE(settings) << output_;
  ASSERT_EQ(settings->tokens.issuers.size(), 3u);
  EXPECT_EQ(settings->tokens.issuers[0].name, "supabase");
  EXPECT_EQ(settings->tokens.issuers[0].keys, "");
  EXPECT_EQ(settings->tokens.issuers[1].name, "https://a.example");
  EXPECT_EQ(settings->tokens.issuers[1].keys, "https://a.example/jwks?v=1");
  EXPECT_EQ(settings->tokens.issuers[2].keys, "b.json");
  EXPECT_EQ(settings->tokens.audiences, (std::vector<std::string>{"authenticated", "events"}));
  EXPECT_EQ(settings->tokens.leeway_seconds, 5u);
}

TEST_F(SettingsTest, KeysAreFetchedByHttpsOrFromThisMachine) {
  for (const auto *url : {"https://a.example/jwks", "HTTPS://a.example", "http://localhost:4000/jwks",
                          "http://127.0.0.1/jwks", "http://[::1]:80/jwks"})
    EXPECT_TRUE(read({"--jwks", url})) << url << output_;
  for (const auto *url : {"http://a.example/jwks", "http://127.0.0.1.a.example/", "http://localhost@a.example/",
                          "https://user:password@a.example/", "http://127.0.0.1\\@a.example/", "ftp://a.example/jwks",
                          "file:///etc/passwd", "https://", "https:///jwks", "http://[::1].a.example/", "https://a b/",
                          "http://0177.0.0.1/", "https://a.example/\x7f"}) {
    EXPECT_FALSE(read({"--jwks", url})) << url;
    EXPECT_EQ(exit_code_, 2);
    EXPECT_NE(output_.find("--jwks: \""), std::string::npos) << output_;
    EXPECT_FALSE(read({"--jwt-issuer", "issuer=" + std::string(url)})) << url;
  }
}

TEST_F(SettingsTest, TokenOptionsThatCannotBeMeantEndTheProgram) {
  const std::string secret(32, 's');
  const std::vector<std::vector<std::string>> cases = {
      {"--jwt-issuer", "a=", "--jwks", "f"},
      {"--jwt-issuer", "=f"},
      {"--jwt-issuer", ",", "--jwks", "f"},
      {"--jwt-issuer", "a,a", "--jwks", "f"},
      {"--jwt-issuer", "a"},
      {"--jwt-issuer", "a=f", "--jwt-secret", secret},
      {"--jwt-issuer", "a=f", "--jwks", "g"},
      {"--jwt-audience", ","},
      {"--jwt-leeway", "-1"},
      {"--jwt-leeway", "601"},
      {"--jwt-leeway", "soon"},
      {"--jwks-refresh", "0"},
      {"--jwks-refresh", "86401"},
  };
  for (const auto &arguments : cases) {
    EXPECT_FALSE(read(arguments)) << arguments[0] << " " << arguments[1];
    EXPECT_EQ(exit_code_, 2) << arguments[0] << " " << arguments[1];
    EXPECT_NE(output_.find(arguments[0]), std::string::npos) << output_;
  }
}

TEST_F(SettingsTest, ConnectionStringOfTheFileIsWhole) {
  const auto settings = read({"--config", file("db = host=/run user=u dbname=postgres")});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->database.connection_string, "host=/run user=u dbname=postgres");
  EXPECT_EQ(settings->database.listen_connection_string, "host=/run user=u dbname=postgres");
}

TEST_F(SettingsTest, CommandLineWinsOverEnvironmentAndThatOverTheFile) {
  const std::string path = file("port = 1\nworkers = 2\nanonymous = true");
  setenv("PG_LIVE_CONFIG", path.c_str(), 1);
  EXPECT_EQ(read({})->port, 1);
  EXPECT_TRUE(read({})->anonymous);
  setenv("PG_LIVE_PORT", "3", 1);
  EXPECT_EQ(read({})->port, 3);
  EXPECT_EQ(read({"--port", "4"})->port, 4);
  EXPECT_EQ(read({"--port", "4"})->workers, 2u);
  setenv("PG_LIVE_ANONYMOUS", "false", 1);
  EXPECT_FALSE(read({})->anonymous);
}

TEST_F(SettingsTest, FileThatCannotBeReadEndsTheProgram) {
  EXPECT_FALSE(read({"--config", path_.string()}));
  EXPECT_EQ(exit_code_, 2);
  setenv("PG_LIVE_CONFIG", path_.c_str(), 1);
  EXPECT_FALSE(read({})) << "also when the environment names it";
  EXPECT_EQ(output_, "could not read configuration file \"" + path_.string() + "\"\n");
}

TEST_F(SettingsTest, FolderOrEndlessDeviceAsFileEndsTheProgram) {
  for (const std::string path : {"/", "/dev/zero"}) {
    EXPECT_FALSE(read({"--config", path})) << path;
    EXPECT_EQ(exit_code_, 2);
    EXPECT_EQ(output_, "could not read configuration file \"" + path + "\"\n");
  }
}

TEST_F(SettingsTest, UnknownNameInTheFileEndsTheProgramWithoutTellingItsValue) {
  for (const auto *line : {"jwt-secrt = hidden", "jwt_secret = hidden", "config = hidden", "JWT-SECRET = hidden"}) {
    EXPECT_FALSE(read({"--config", file(line)})) << line;
    EXPECT_EQ(exit_code_, 2);
    EXPECT_NE(output_.find("unknown setting"), std::string::npos) << output_;
    EXPECT_EQ(output_.find("hidden"), std::string::npos) << output_;
  }
}

TEST_F(SettingsTest, ValueOfTheWrongKindInTheFileEndsTheProgram) {
  for (const auto *line : {"port = 4000 # the usual", "port = 4000, 4001", "workers = 0", "anonymous = maybe"})
    EXPECT_FALSE(read({"--config", file(line)})) << line;
}

TEST_F(SettingsTest, ALimitIsSetByFlagFileAndEnvironmentUnderOneName) {
  EXPECT_EQ(read({})->limits[Limit::tracked_bytes_by_user], 1048576U);
  EXPECT_EQ(read({"--limit-tracked-bytes-by-user", "1"})->limits[Limit::tracked_bytes_by_user], 1U);
  EXPECT_EQ(read({"--config", file("limit-tracked-bytes-by-user = 2")})->limits[Limit::tracked_bytes_by_user], 2U);
  setenv("PG_LIVE_LIMIT_TRACKED_BYTES_BY_USER", "3", 1);
  EXPECT_EQ(read({})->limits[Limit::tracked_bytes_by_user], 3U);
  unsetenv("PG_LIVE_LIMIT_TRACKED_BYTES_BY_USER");
}

TEST_F(SettingsTest, ALimitThatIsNoNumberEndsTheProgram) {
  for (const auto *value : {"-1", "1MB", "much", "99999999999"}) {
    EXPECT_FALSE(read({"--limit-tracked-bytes-by-user", value})) << value;
    EXPECT_EQ(exit_code_, 2);
  }
}

TEST_F(SettingsTest, OnlyALimitBySocketUserOrAddressMayBeNone) {
  for (const LimitEntry &entry : limit_entries()) {
    const bool accepted = read({"--limit-" + std::string(entry.name) + "=0"}).has_value();
    EXPECT_EQ(accepted, entry.name.find("-by-") != std::string_view::npos) << entry.name;
  }
}

// A proxy that is not known to be one is the address of all its clients: no limit by address may hold then.
TEST_F(SettingsTest, ConnectionsAndRatesByAddressAreLimitedOnlyWhereProxiesAreTrustedOrWhenAsked) {
  const auto unknown = read({});
  const auto known = read({"--trusted-proxies", "10.0.0.0/8", "--limit-joins-by-address", "7"});
  for (const Limit limit : {Limit::connections_by_address, Limit::topics_by_address, Limit::messages_by_address,
                            Limit::bytes_by_address, Limit::requests_by_address, Limit::commands_by_address}) {
    EXPECT_EQ(unknown->limits[limit], 0U) << entry_of(limit).name;
    EXPECT_GT(known->limits[limit], 0U) << entry_of(limit).name;
  }
  EXPECT_EQ(known->limits[Limit::joins_by_address], 7U);
  EXPECT_EQ(read({"--trusted-proxies", "10.0.0.0/8", "--limit-joins-by-address", "0"})->limits[Limit::joins_by_address],
            0U);
}

TEST_F(SettingsTest, OriginsMayHaveSpacesAroundThemAndASlashBehind) {
  const auto settings = read({"--allowed-origin", "http://a, https://b:8443/ ,app://localhost"});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->allowed_origins, (std::vector<std::string>{"http://a", "https://b:8443", "app://localhost"}));
  EXPECT_EQ(read({"--allowed-origin", "*"})->allowed_origins, std::vector<std::string>{"*"});
}

TEST_F(SettingsTest, OriginThatCouldNeverMatchEndsTheProgram) {
  for (const auto *origin :
       {"a.example", "http://", "://a", "http://a/path", "http://a b", "http://a*.example", "https://u@a"})
    EXPECT_FALSE(read({"--allowed-origin", origin})) << origin;
}

TEST_F(SettingsTest, ApiKeysMayHaveSpacesAroundThemAndNeedARole) {
  EXPECT_EQ(read({"--api-keys", "k=anon, l=m=service_role"})->tokens.api_keys,
            (std::vector<std::string>{"k=anon", "l=m=service_role"}));
  for (const auto *keys : {"k", "k=", "=anon", "k=anon,l"}) {
    EXPECT_FALSE(read({"--api-keys", keys})) << keys;
    EXPECT_EQ(output_, "--api-keys: each key needs a role: key=role\n");
  }
}

TEST_F(SettingsTest, TheMetricsPortIsNotThatOfClients) {
  EXPECT_TRUE(read({"--port", "9402", "--metrics-port", "9400", "--workers", "2"}));
  EXPECT_FALSE(read({"--port", "9401", "--metrics-port", "9400", "--workers", "2"}));
  EXPECT_FALSE(read({"--metrics-port", "65535", "--workers", "2"}));
}

TEST_F(SettingsTest, TrustedProxiesAreAddressesAndNetworks) {
  const auto settings = read({"--trusted-proxies", "192.0.2.1, 10.0.0.0/8", "--proxy-protocol"});
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->proxy.trusted.size(), 2u);
  EXPECT_TRUE(settings->proxy.trusted[1].contains(IpAddress::parse("10.1.2.3").value()));
  for (const auto *text : {"proxy.example", "10.0.0.1/8", "10.0.0.0/40", "*"}) {
    EXPECT_FALSE(read({"--trusted-proxies", text})) << text;
    EXPECT_NE(output_.find("is no address and no network"), std::string::npos) << output_;
  }
  EXPECT_FALSE(read({"--proxy-protocol"})) << "from anyone, a preface could say anything";
  EXPECT_FALSE(read({"--trusted-proxies", "10.0.0.1", "--forwarded-header", "x-real-ip"}));
}

TEST_F(SettingsTest, TheEncryptedPortNeedsACertificateAndAPortOfItsOwn) {
  const std::vector<std::string> whole = {"--tls-port=4443", "--tls-certificate=c.pem", "--tls-key=k.pem"};
  const auto settings = read(whole);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->tls.port, 4443);
  EXPECT_EQ(settings->tls.plain_http, PlainHttp::serve);
  for (std::size_t left_out = 0; left_out < whole.size(); ++left_out) {
    auto part = whole;
    part.erase(part.begin() + static_cast<std::ptrdiff_t>(left_out));
    EXPECT_FALSE(read(part));
    EXPECT_EQ(exit_code_, 2);
    EXPECT_NE(output_.find("need each other"), std::string::npos) << output_;
  }
  for (const auto *clash : {"--port=4443", "--metrics-port=4443"}) {
    auto clashing = whole;
    clashing.emplace_back(clash);
    EXPECT_FALSE(read(clashing)) << clash;
  }
  EXPECT_FALSE(read({"--plain-http=redirect"}));
}

TEST_F(SettingsTest, ThePageOfOperatorsNeedsThePortOfMetrics) {
  EXPECT_FALSE(read({"--admin-token-file=t"}));
  EXPECT_NE(output_.find("--metrics-port"), std::string::npos) << output_;
  const auto settings = read({"--admin-token-file=t", "--metrics-port=9400"});
  ASSERT_TRUE(settings);
  EXPECT_FALSE(settings->admin.shows_payloads);
}

} // namespace
} // namespace pg_live
