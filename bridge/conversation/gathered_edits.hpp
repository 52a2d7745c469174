// Edits of sessions: what waits is submitted in one transaction, so that each session is locked, and a commit awaited,
// once for many edits.
//
// Invariants: the edits of a session that are on their way are in one command, so they reach it in the order they came.
// A command that holds several sessions waits for none: the edits of a session that another transaction has locked are
// submitted again without the others, and few such commands at a time, so that sessions which nobody locks do not wait
// for those that are. Every edit has an answer of its own: one that fails fails alone.
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
    std::size_t unanswered = 0; // edits on their way
  };
  struct SessionEdit {
    Uuid session;
    Edit edit;
  };
  using Batch = std::vector<SessionEdit>;

  // How a batch gets its sessions: several of them only if it waits for none.
  enum class Locking : unsigned char { skip, wait };
  struct Kind {
    Locking locking;
    std::size_t max_commands = 0; // on their way at a time
    std::size_t commands = 0;
  };

  static bool has_room(const Session &session, const Edit &edit);
  void pop_into(Batch &batch, std::size_t &bytes, const Uuid &id);
  Batch pop_batch();
  Batch extract_late(Batch &batch) const;
  void send_waiting();
  void send(Kind &kind, Batch batch);
  void send_alone(SessionEdit each);
  void handle(Locking locking, Batch &batch, const CommandResult &result);
  void handle_failure(Locking locking, Batch &batch, const DatabaseError &error);
  void retry(Batch batch);
  void answer(SessionEdit &each, std::string_view response, const std::optional<DatabaseError> &error);

  Loop &loop_;
  Database &database_;
  std::unordered_map<Uuid, Session, UuidHash> sessions_;
  std::deque<Uuid> ready_;    // sessions with edits that wait and none on their way
  std::deque<Batch> retries_; // each of one session, which was locked
  Kind gathered_{Locking::skip, 2};
  Kind retried_{Locking::wait, 2};
  std::uint64_t sent_ = 0; // commands
};

} // namespace pg_live
