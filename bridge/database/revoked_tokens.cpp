// See revoked_tokens.hpp.
#include "database/revoked_tokens.hpp"

#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kRead = "select r::text from live_private.token_revocations() as r";

constexpr Milliseconds kGatherAdded{10};
constexpr Milliseconds kReadPatience{5000};

} // namespace

RevokedTokens::RevokedTokens(Loop &loop, const Log &log, Database &database)
    : log_(log), database_(database), added_timer_(loop, [this] { added_(); }),
      patience_timer_(loop, [this] { resume_waiting(); }) {}

void RevokedTokens::read() {
  must_read_again_ = std::exchange(is_reading_, true);
  if (must_read_again_) return;
  Command command;
  command.sql = kRead;
  command.done = [this](const CommandResult &result) { handle(result); };
  database_.run_own(std::move(command));
}

void RevokedTokens::handle(const CommandResult &result) {
  is_reading_ = false;
  if (result.error) {
    must_read_again_ = false; // the owner does, since is_behind()
    if (!std::exchange(is_behind_, true))
      log_.error("could not read the revoked tokens, and goes on trying",
                 {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    return;
  }
  for (int row = 0; row < result.rows.count(); ++row)
    add(result.rows.text(row, 0));
  were_read_ = true;
  if (std::exchange(is_behind_, false)) log_.info("the revoked tokens could be read again");
  resume_waiting();
  if (must_read_again_) read();
}

void RevokedTokens::add(std::string_view payload) {
  if (!revocations_.add(payload, wall_clock())) return log_.error("a revocation of tokens is malformed");
  if (!added_timer_.running()) added_timer_.start(kGatherAdded);
}

void RevokedTokens::await(std::function<void()> resume) {
  waiting_.push_back(std::move(resume));
  if (!patience_timer_.running()) patience_timer_.start(kReadPatience);
}

void RevokedTokens::resume_waiting() {
  patience_timer_.stop();
  for (const auto &resume : std::exchange(waiting_, {}))
    resume();
}

} // namespace pg_live
