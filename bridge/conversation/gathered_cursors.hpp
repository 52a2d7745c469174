// Cursors in sessions: the newest of each connection, gathered for some milliseconds, so that a participant gets one
// frame in that time, however many cursors move.
//
// Invariants: one transaction of a session is on its way at a time; a move that another one of its connection replaces
// is answered with it; a move whose channel has ended is dropped, so that no cursor stays behind.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

struct CursorMove {
  ChannelRef channel;
  Uuid connection;
  std::string client_id;
  std::string cursor; // JSON
  std::vector<std::function<void(const std::optional<DatabaseError> &)>> answers;
  unsigned attempts = 0; // before the database knew that the connection is in the session
};

class GatheredCursors {
 public:
  GatheredCursors(Loop &loop, Database &database, Milliseconds interval);
  GatheredCursors(const GatheredCursors &) = delete;
  GatheredCursors &operator=(const GatheredCursors &) = delete;

  void move(const Uuid &session, CursorMove move);

 private:
  struct Session {
    std::unordered_map<Uuid, CursorMove, UuidHash> waiting; // by connection
    std::size_t unanswered = 0;                             // commands on their way
  };
  using Moves = std::vector<CursorMove>;

  void flush();
  void flush_later();
  void send(const Uuid &id, Moves moves);
  void handle(const Uuid &id, Moves &moves, const CommandResult &result);
  void repeat(Session &session, CursorMove move);

  Database &database_;
  Milliseconds interval_;
  LoopTimer timer_;
  std::unordered_map<Uuid, Session, UuidHash> sessions_;
};

} // namespace pg_live
