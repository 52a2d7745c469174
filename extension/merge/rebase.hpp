// Rebasing: what a client wrote upon a version that others have changed meanwhile, brought behind their operations.
//
// One operation after the other on both sides, as an editor does it that receives them singly: with operations joined
// to larger ones first, database and editor do not always arrive at one text.
#pragma once

#include "merge/changeset.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace pg_live {

enum class Author : unsigned char { same_client, other_client };

class Rebase {
 public:
  // What the client submits, each upon the one before.
  explicit Rebase(std::vector<ChangeSet> submitted) : pending_(std::move(submitted)) {}

  // Goes past the next operation of the log. One of the same client is the first that was submitted: it was accepted
  // before, and the answer was lost.
  std::optional<ChangeSetError> pass(const ChangeSet &logged, Author author);

  // What is still to be appended to the log.
  std::span<const ChangeSet> pending() const { return std::span(pending_).subspan(accepted_); }

 private:
  std::vector<ChangeSet> pending_;
  std::size_t accepted_ = 0; // how many at the front are in the log already
};

} // namespace pg_live
