// Follows the revocations of tokens in the database: reads all of them at the start, once the stream of events is
// followed, and again after each interruption of it; between, they come as events.
//
// Invariants: until they were read for the first time, nobody knows which tokens are revoked, and none is accepted. One
// read runs at a time, and one that begins after the last call of read() ends well, or is_behind().
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

  // Reads all revocations, once more if a read runs already. A read that fails is logged, the first of those in a row.
  void read();

  // Whether the last read failed, so that read() has to be called again.
  bool is_behind() const { return is_behind_; }

  // Adds the revocation of an event.
  void add(std::string_view payload);

  bool were_read() const { return were_read_; }
  bool includes(const Claims &claims) const { return revocations_.includes(claims); }

  // Calls `resume` once they were read, or when that takes too long. The caller bounds how many wait.
  void await(std::function<void()> resume);

 private:
  void handle(const CommandResult &result);
  void resume_waiting();

  const Log &log_;
  Database &database_;
  Revocations revocations_;
  std::function<void()> added_;
  bool were_read_ = false;
  bool is_reading_ = false;
  bool must_read_again_ = false;
  bool is_behind_ = false;
  std::vector<std::function<void()>> waiting_;
  LoopTimer added_timer_;
  LoopTimer patience_timer_;
};

} // namespace pg_live
