// Edits of sessions: what waits for one session is submitted in one transaction, so that it locks the session, and
// waits for its commit, once.
//
// Invariants: one transaction of a session is on its way at a time, so edits reach it in the order they came, and those
// of different sessions run side by side. Every edit has an answer of its own: one that fails fails alone. An edit that
// has nothing to be gathered with runs as its user, like any other command.
#pragma once

#include "channel/services.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

struct Edit {
  ClaimsRef claims;
  std::string arguments; // of the command, a JSON object
  std::weak_ptr<const void> asker;
  std::uint64_t give_up = 0; // of Loop::now()
  std::function<void(std::string_view response, const std::optional<DatabaseError> &)> done;
};

class GatheredEdits {
 public:
  GatheredEdits(Loop &loop, Database &database) : loop_(loop), database_(database) {}
  GatheredEdits(const GatheredEdits &) = delete;
  GatheredEdits &operator=(const GatheredEdits &) = delete;

  void submit(const Uuid &session, Edit edit);

 private:
  struct Session {
    std::deque<Edit> waiting;
    std::size_t waiting_bytes = 0;
    std::unordered_map<std::string, unsigned> waiting_by_user;
    std::size_t unanswered = 0; // commands on their way
  };
  using Sessions = std::unordered_map<Uuid, Session, UuidHash>;
  using Edits = std::vector<Edit>;

  static bool has_room(const Session &session, const Edit &edit);
  Edits pop_some(Session &session) const;
  void send(const Uuid &id);
  void send_together(const Uuid &id, Edits edits);
  void send_alone(const Uuid &id, Edit edit);
  void answer_together(const Uuid &id, Edits &edits, const CommandResult &result);
  void answered(const Uuid &id);

  Loop &loop_;
  Database &database_;
  Sessions sessions_;
};

} // namespace pg_live
