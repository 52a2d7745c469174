// pg-live-bridge: forwards committed events of PostgreSQL to browsers. The way through the code:
//
//  1. Start: process/settings.cpp reads the settings, process/workers.cpp forks the workers, and node.cpp puts each
//     process together and runs its loop.
//  2. Accept: process/acceptor.cpp accepts a socket, http/incoming.cpp reads one request, http/request_head.cpp parses
//     it. limits/limiter.hpp says what the client may use. Plain HTTP is answered by http/http.cpp: commands by
//     http/http_api.cpp, broadcasts by http/http_broadcast.cpp.
//  3. Connect: connection/admission.cpp checks path, origin, token (identity/token.cpp) and limits, and chooses the
//     codec. connection/server.cpp adopts the socket; connection/connection.cpp sends, limits and closes it.
//  4. Receive: connection/connection.cpp collects a message, a codec (wire/phoenix/) decodes it, and
//     conversation/conversation.cpp dispatches it to a join, a broadcast, presence or a command.
//  5. Join: conversation/join.cpp checks access (database/access.cpp). Its channel subscribes in
//     channel/topic_table.cpp, conversation/replay.cpp reads what the client missed, and channel/seam.cpp defers live
//     events until it is done.
//  6. Command: conversation/push_command.cpp looks it up in api/commands.cpp. database/database.cpp queues it in a
//     lane (database/lane.hpp), and database/pipelined_connection.cpp runs it as the user. The answer goes back
//     through the channel.
//  7. Event: database/listener.cpp waits for a batch and fetches it, page by page. channel/hub.cpp walks the topic
//     table and gives each subscribed channel the frames of its topic (channel/topic_batch.cpp, built once for each
//     wire form).
//  8. Revocation: the batch has an access:revoked event. channel/hub.cpp counts it for joins on their way, and
//     conversation/conversation.cpp closes the channels or checks their access again.
//  9. Tokens: issuer/issuer_keys.cpp keeps the keys of issuers fresh, and database/revoked_tokens.cpp follows
//     revocations; a token that must wait for either is resumed in node.cpp or in conversation/conversation.cpp.
// 10. Presence: presence/presence.cpp asserts connections and tracked members in the database;
//     presence/topic_roster.cpp follows the rosters of channels, and presence/presence_visibility.cpp filters changes
//     for each viewer.
// 11. Shutdown: Node::stop() in node.cpp closes the listening socket and, by connection/drain.cpp, all connections
//     (1012), retires the node in the database, and ends the loop when they have left, at the latest after
//     --drain-timeout.
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
  pg_live::Settings own = settings;
  if (own.metrics.port != 0) own.metrics.port = static_cast<std::uint16_t>(own.metrics.port + worker - 1);
  try {
    return pg_live::run_node(own, log);
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
  std::signal(SIGPIPE, SIG_IGN); // writing to a closed socket is an error of that write, and must not end the process
  if (settings->workers == 1) return run(*settings, 1);
  const pg_live::Log log(settings->log_level, 0);
  return pg_live::run_workers(settings->workers, log, [&](unsigned worker) { return run(*settings, worker); });
}
