// Calls the database in batches, and starts over.
#include "presence/presence.hpp"

#include "base/sqlstate.hpp"
#include "presence/presence_calls.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kMaxPause{5000};
constexpr Milliseconds kResumeAfter{1000}; // until what met a locked row is sent again
constexpr Milliseconds kWaitCheckInterval{250};
constexpr std::size_t kMaxWaitingPerUser = 1000; // commands
constexpr std::size_t kMaxWaitingCommands = 20000;
constexpr std::size_t kMaxFormerIds = 100;
constexpr std::chrono::seconds kReportUseEvery{60};
constexpr int kReportsUntilIdle = 4;

// Whether another transaction held a lock for too long.
bool is_about_locks(const DatabaseError &error) {
  return error.sqlstate == "55P03" || error.sqlstate == "57014" || error.sqlstate == "40P01";
}

// Whether a value to be stored was out of bounds.
bool is_about_values(const DatabaseError &error) {
  return error.sqlstate.starts_with("22") || error.sqlstate.starts_with("54");
}

LockedNames names_in(const Rows &rows) {
  LockedNames names;
  for (int row = 0; row < rows.count(); ++row)
    names.insert(rows.text(row, 0));
  return names;
}

} // namespace

Presence::Presence(Loop &loop, const Log &log, Database &database, unsigned lease_seconds)
    : loop_(loop), log_(log), database_(database), queue_([this] { flush(); }),
      lease_(std::to_string(lease_seconds) + " seconds"), renew_every_(lease_seconds * 1000 / 3),
      renew_timer_(loop,
                   [this] {
                     must_renew_ = true;
                     flush();
                   }),
      retry_timer_(loop, [this] { flush(); }), later_timer_(loop, [this] { queue_.resume(); }),
      wait_timer_(loop, [this] { end_waits(); }) {}

void Presence::start(MemberOwner &members, std::function<void()> assert_everything) {
  members_ = &members;
  assert_everything_ = std::move(assert_everything);
  renew_timer_.start(renew_every_, renew_every_);
  wait_timer_.start(kWaitCheckInterval, kWaitCheckInterval);
  database_.when_own_ready([this] {
    retry_timer_.stop();
    must_renew_ = true; // the server may have crashed, which empties UNLOGGED tables
    flush();
  });
}

void Presence::when_known(const Uuid &connection, const std::string &user, std::uint64_t give_up, Continue then) {
  if (!queue_.is_connecting(connection) || !database_.own_ready()) return then(std::nullopt);
  if (waiting_count_ >= kMaxWaitingCommands)
    return then(DatabaseError{"53000", "too many commands are waiting for the database", "try again later"});
  std::vector<Waiting> &own = waiting_[user];
  if (own.size() >= kMaxWaitingPerUser)
    return then(DatabaseError{sqlstate::kConfigurationLimitExceeded,
                              "too many commands of this user are waiting for the database", "try again later"});
  ++waiting_count_;
  own.push_back({connection, give_up, std::move(then)});
}

void Presence::ask_whether_present(const Uuid &connection, const std::string &user,
                                   std::function<void(bool present)> then) {
  when_known(connection, user, loop_.now() + database_.patience(),
             [this, question = Question{connection, user, std::move(then)}](const std::optional<DatabaseError> &error) {
               if (error) return questions_.push_back(question);
               run(call_has_connection(question.connection), [this, question](const CommandResult &result) {
                 if (result.error) return questions_.push_back(question);
                 question.then(result.rows.is_true(0, 0));
               });
             });
}

DatabaseError Presence::reason_for_waiting() const {
  if (!database_.own_ready()) return {"08001", "the database cannot be reached", "try again later"};
  return trouble_.value_or(DatabaseError{"53000", "the database is too busy", "try again later"});
}

// Answers waiting commands and members before their clients give up.
void Presence::end_waits() {
  const std::uint64_t now = loop_.now();
  std::vector<Waiting> ended;
  for (auto &[user, own] : waiting_) {
    const auto first = std::find_if(own.begin(), own.end(), [&](const Waiting &each) { return each.give_up > now; });
    ended.insert(ended.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(first));
    own.erase(own.begin(), first);
  }
  waiting_count_ -= ended.size();
  std::erase_if(waiting_, [](const auto &each) { return each.second.empty(); });
  for (const Waiting &each : ended)
    each.then(reason_for_waiting());
  if (aged_at_ + database_.patience() / 2 > now) return;
  aged_at_ = now;
  queue_.grow_older(*members_, reason_for_waiting());
}

void Presence::retire() {
  stopping_ = true;
  renew_timer_.stop();
  retry_timer_.stop();
  later_timer_.stop();
  wait_timer_.stop();
  if (unanswered_ == 0) send_retirement();
}

void Presence::send_retirement() {
  if (registered_ && database_.own_ready())
    return run(call_retire_node(id_), [this](const CommandResult &) { retired_ = true; });
  retired_ = true;
}

void Presence::flush() {
  if (stopping_ || unanswered_ > 0 || retry_timer_.running() || !database_.own_ready()) return;
  if (registered_ && !must_renew_ && former_ids_.empty() && queue_.empty()) return;
  send_batch();
}

// Broken connections come first, so that a client that reconnected takes over the place of its old connection. Closed
// ones come last, so that a user with a new connection is never shown as gone, and members tracked on a closed one end.
void Presence::send_batch() {
  const PresenceBatch &batch =
      queue_.start_batch([this](const std::string &user) { return database_.can_store(user); });
  unanswered_ = 1; // this function; the last one to finish finishes the batch
  for (const Uuid &former : former_ids_)
    send(Step::retire, call_retire_node(former));
  if (!std::exchange(registered_, true)) {
    send(Step::begin, call_register_node(id_, lease_));
    must_renew_ = false;
  } else if (std::exchange(must_renew_, false)) {
    send(Step::renew, call_renew_node(id_, lease_));
  }
  if (!batch.broken.empty()) send(Step::broken, call_disconnect(batch.broken, Ending::broken));
  if (!batch.connects.empty()) send(Step::connects, call_connect(id_, batch.connects));
  if (!batch.uses.empty()) send(Step::uses, call_report_use(batch.uses));
  if (!batch.tracked.empty() || !batch.untracked.empty())
    send(Step::members, call_store_members(id_, batch.tracked, batch.untracked));
  if (!batch.entered.empty()) send(Step::entered, call_enter(batch.entered));
  if (!batch.exited.empty()) send(Step::exited, call_exit(batch.exited));
  if (!batch.closed.empty()) send(Step::closed, call_disconnect(batch.closed, Ending::closed));
  if (--unanswered_ == 0) finish_batch();
}

void Presence::send(Step step, PresenceCall call) {
  ++unanswered_;
  run(std::move(call), [this, step](const CommandResult &result) {
    handle(step, result);
    if (--unanswered_ == 0) finish_batch();
  });
}

void Presence::run(PresenceCall call, std::function<void(const CommandResult &)> done) {
  Command command;
  command.sql = call.sql;
  command.parameters = std::move(call.parameters);
  command.done = std::move(done);
  database_.run_own(std::move(command));
}

void Presence::handle(Step step, const CommandResult &result) {
  if (step == Step::checked) return handle_refusals(result);
  if (result.error && is_about_locks(*result.error)) return postpone(step);
  if (result.error && step == Step::members && is_about_values(*result.error))
    return handle_members_error(*result.error);
  if (result.error) {
    trouble_ = result.error;
    if (!std::exchange(must_start_over_, true))
      log_.warning("could not tell the database who is present",
                   {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    return;
  }
  const bool renewed = result.rows.count() == 1 && result.rows.is_true(0, 0);
  if (step == Step::renew && !renewed) must_start_over_ = true;
  if (step == Step::renew || step == Step::begin)
    report_use_every_ = std::min(kReportUseEvery, std::chrono::seconds(result.rows.number(0, 1)) / kReportsUntilIdle);
  if (step == Step::members) queue_.members_stored(*members_, names_in(result.rows));
  if (step == Step::connects) queue_.note_done(PresencePart::connects, names_in(result.rows));
  if (step == Step::entered) queue_.note_done(PresencePart::entered, names_in(result.rows));
  if (step == Step::exited) queue_.note_done(PresencePart::exited, names_in(result.rows));
  if (step == Step::closed) queue_.note_done(PresencePart::closed, names_in(result.rows));
  if (step == Step::broken) queue_.note_done(PresencePart::broken, names_in(result.rows));
}

// A bad member fails the whole call, so the database is asked which members it refuses.
void Presence::handle_members_error(const DatabaseError &error) {
  if (queue_.sent().tracked.size() < 2) return queue_.members_refused(*members_, error, {});
  members_error_ = error;
  send(Step::checked, call_refused_members(queue_.sent().tracked));
}

void Presence::handle_refusals(const CommandResult &result) {
  PresenceRefusals refusals;
  for (int row = 0; !result.error && row < result.rows.count(); ++row)
    refusals.emplace_back(result.rows.text(row, 0),
                          DatabaseError{std::string(result.rows.text(row, 1)), std::string(result.rows.text(row, 2)),
                                        std::string(result.rows.text(row, 3))});
  queue_.members_refused(*members_, *std::exchange(members_error_, std::nullopt), refusals);
}

// A lock was not granted in time, so nothing of the step was done.
void Presence::postpone(Step step) {
  if (step == Step::retire) must_retire_again_ = true;
  if (step == Step::begin) must_start_over_ = true; // without a node nothing that follows is done either
  if (step == Step::renew) must_renew_ = true;
  if (step == Step::connects) queue_.postpone(PresencePart::connects);
  if (step == Step::members) queue_.postpone(PresencePart::members);
  if (step == Step::entered) queue_.postpone(PresencePart::entered);
  if (step == Step::exited) queue_.postpone(PresencePart::exited);
  if (step == Step::closed) queue_.postpone(PresencePart::closed);
  if (step == Step::broken) queue_.postpone(PresencePart::broken);
}

void Presence::finish_batch() {
  queue_.answered();
  if (queue_.has_later() && !later_timer_.running()) later_timer_.start(kResumeAfter);
  if (stopping_) return send_retirement();
  if (std::exchange(must_start_over_, false)) {
    start_over();
  } else {
    if (!must_retire_again_) former_ids_.clear();
    failures_ = 0;
    trouble_.reset();
  }
  must_retire_again_ = false;
  waiting_count_ = 0;
  for (auto &[user, own] : std::exchange(waiting_, {}))
    for (Waiting &each : own)
      when_known(each.connection, user, each.give_up, std::move(each.then));
  for (Question &each : std::exchange(questions_, {}))
    ask_whether_present(each.connection, each.user, std::move(each.then));
  flush();
}

void Presence::start_over() {
  if (former_ids_.size() >= kMaxFormerIds) former_ids_.erase(former_ids_.begin()); // it ends with its lease
  former_ids_.push_back(std::exchange(id_, Uuid::random()));
  registered_ = false;
  queue_.clear(); // connections that have ended are not asserted again: those of the former node get the grace period
  const auto pause = std::min(kFirstPause * (1 << std::min(failures_, 10u)), kMaxPause);
  if (failures_++ > 0) retry_timer_.start(pause); // the first time it is tried at once
  assert_everything_();
}

} // namespace pg_live
