// See revoked_tokens.hpp.
#include "database/revoked_tokens.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kRead = "select r::text from live_private.token_revocations() as r";

constexpr Milliseconds kGatherAdded{10};
constexpr Milliseconds kReadAgainAfter{1000};
constexpr Milliseconds kReadPatience{5000};
constexpr std::size_t kMaxAwaiting = 1000;

} // namespace

RevokedTokens::RevokedTokens(Loop &loop, const Log &log, Database &database)
    : log_(log), database_(database), added_timer_(loop, [this] { added_(); }), retry_timer_(loop, [this] { read(); }),
      patience_timer_(loop, [this] { resume_waiting(); }) {}

void RevokedTokens::read() {
  Command command;
  command.sql = kRead;
  command.done = [this](const CommandResult &result) { handle(result); };
  database_.run_own(std::move(command));
}

void RevokedTokens::handle(const CommandResult &result) {
  if (result.error) {
    log_.error("could not read the revoked tokens",
               {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    return retry_timer_.start(kReadAgainAfter);
  }
  for (int row = 0; row < result.rows.count(); ++row)
    add(result.rows.text(row, 0));
  were_read_ = true;
  resume_waiting();
}

void RevokedTokens::add(std::string_view payload) {
  if (!revocations_.add(payload, wall_clock())) return log_.error("a revocation of tokens is malformed");
  if (!added_timer_.running()) added_timer_.start(kGatherAdded);
}

bool RevokedTokens::await(std::function<void()> resume) {
  if (waiting_.size() >= kMaxAwaiting) return false;
  waiting_.push_back(std::move(resume));
  if (!patience_timer_.running()) patience_timer_.start(kReadPatience);
  return true;
}

void RevokedTokens::resume_waiting() {
  patience_timer_.stop();
  for (const auto &resume : std::exchange(waiting_, {}))
    resume();
}

} // namespace pg_live
