// Follows the revocations of tokens in the database: reads all of them at the start, once the stream of events is
// followed, and again after each interruption of it; between, they come as events.
//
// Invariant: until they were read for the first time, nobody knows which tokens are revoked, and none is accepted.
#pragma once

#include "database/database.hpp"
#include "identity/revocations.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace pg_live {

class RevokedTokens {
 public:
  RevokedTokens(Loop &loop, const Log &log, Database &database);

  // Called soon after revocations were added, once for many.
  void when_added(std::function<void()> added) { added_ = std::move(added); }

  // Reads all revocations.
  void read();

  // Adds the revocation of an event.
  void add(std::string_view payload);

  bool were_read() const { return were_read_; }
  bool includes(const Claims &claims) const { return revocations_.includes(claims); }

  // Calls `resume` once they were read, or when that takes too long. False if too many wait.
  bool await(std::function<void()> resume);

 private:
  void handle(const CommandResult &result);
  void resume_waiting();

  const Log &log_;
  Database &database_;
  Revocations revocations_;
  std::function<void()> added_;
  bool were_read_ = false;
  std::vector<std::function<void()>> waiting_;
  LoopTimer added_timer_;
  LoopTimer retry_timer_;
  LoopTimer patience_timer_;
};

} // namespace pg_live
