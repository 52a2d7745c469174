// Brings submitted operations behind those of the log, see rebase.hpp.
#include "merge/rebase.hpp"

#include <utility>

namespace pg_live {

std::optional<ChangeSetError> Rebase::pass(const ChangeSet &logged, Author author) {
  if (author == Author::same_client) {
    if (accepted_ < pending_.size()) ++accepted_;
    return std::nullopt;
  }
  ChangeSet over = logged;
  for (std::size_t at = accepted_; at < pending_.size(); ++at) {
    ChangeSet::Result mapped = pending_[at].map(over, Precedence::other_first);
    if (const auto *error = std::get_if<ChangeSetError>(&mapped)) return *error;
    ChangeSet::Result next = over.map(pending_[at], Precedence::this_first);
    if (const auto *error = std::get_if<ChangeSetError>(&next)) return *error;
    pending_[at] = std::get<ChangeSet>(std::move(mapped));
    over = std::get<ChangeSet>(std::move(next));
  }
  return std::nullopt;
}

} // namespace pg_live
