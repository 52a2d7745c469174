// Assigns commands to lanes, and bounds how many wait.
#include "database/database.hpp"

#include "base/sqlstate.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr Milliseconds kDeadlineCheck{250};

// Commands in flight on one connection. Enough to keep the server busy; a longer pipeline would only move the queue out
// of the lane, where waiting commands can be bounded and refused.
constexpr std::size_t kMaxPipelined = 16;
constexpr std::size_t kMaxPipelinedInCrowd = 8;

// One user's reads occupy at most a third of the connections, and at least one, so slow queries of one user leave most
// connections and processors of the database to the others.
LaneLimits for_reads(std::size_t connections) {
  return {connections, std::max(connections / 3, std::size_t{1}), 1, kMaxPipelinedInCrowd};
}

// A user's writes use one connection at a time, which keeps them in order.
LaneLimits for_writes(std::size_t connections) { return {connections, 1, kMaxPipelined, 1}; }

bool has_no_user(const Command &command) { return command.claims && command.claims->user_id.empty(); }

} // namespace

Database::Database(Loop &loop, const Log &log, const DatabaseSettings &settings, Limiter &limiter)
    : loop_(loop), settings_(settings), limiter_(limiter),
      joins_(loop, log, settings, "join", for_reads(settings.join_connections), callbacks()),
      queries_(loop, log, settings, "read", for_reads(settings.read_connections), callbacks()),
      writes_(loop, log, settings, "write", for_writes(settings.write_connections), callbacks()),
      own_(loop, log, settings, "own", for_writes(1), own_callbacks()),
      deadline_timer_(loop, [this] { check_deadlines(); }), refusal_timer_(loop, [this] {
        for (const auto &answer : std::exchange(refused_, {}))
          answer();
      }) {}

ConnectionLane::Callbacks Database::callbacks() {
  return {[this](PendingRef pending, CommandResult result) {
            note_end(pending->command);
            note_outcome(*pending, result);
            pending->command.done(std::move(result));
          },
          [this](const PipelinedConnection &connection) { note_connected(connection); }};
}

ConnectionLane::Callbacks Database::own_callbacks() {
  ConnectionLane::Callbacks result = callbacks();
  result.connected = [this](const PipelinedConnection &connection) {
    note_connected(connection);
    if (own_ready_) own_ready_();
  };
  return result;
}

void Database::note_connected(const PipelinedConnection &connection) {
  own_role_ = connection.user();
  is_utf8_ = connection.server_encoding() == "UTF8";
}

void Database::start() {
  queries_.start();
  writes_.start();
  own_.start();
  deadline_timer_.start(kDeadlineCheck, kDeadlineCheck);
}

std::array<Database::LaneState, 4> Database::lanes() const {
  return {{{"join", joins_.ready_connections(), joins_.connections()},
           {"read", queries_.ready_connections(), queries_.connections()},
           {"write", writes_.ready_connections(), writes_.connections()},
           {"own", own_.ready_connections(), own_.connections()}}};
}

bool Database::can_store(std::string_view text) const {
  return is_utf8_ ||
         std::all_of(text.begin(), text.end(), [](char each) { return static_cast<unsigned char>(each) < 0x80; });
}

void Database::read(Command command, Reading reading) {
  PendingRef pending = prepare(std::move(command));
  pending->changes_nothing = true;
  admit(reading == Reading::join ? joins_ : queries_, std::move(pending));
}

void Database::write(Command command) { admit(writes_, prepare(std::move(command))); }

void Database::run_own(Command command) {
  PendingRef pending = prepare(std::move(command));
  note_begin(pending->command);
  own_.admit(pending, std::size_t(-1));
}

PendingRef Database::prepare(Command command) {
  auto pending = std::make_unique<PendingCommand>();
  pending->command = std::move(command);
  pending->began = Loop::exact_now();
  if (pending->command.give_up == 0) pending->command.give_up = loop_.now() + patience();
  return pending;
}

void Database::admit(ConnectionLane &lane, PendingRef pending) {
  if (pending->command.limiting == Limiting::was_applied) {
    note_begin(pending->command);
    lane.admit(pending, std::size_t(-1));
    return;
  }
  const Limits &limits = limiter_.limits();
  if (unfinished_ >= limits[Limit::commands])
    return refuse(std::move(pending), {"53000", text_of(limiter_.note(Limit::commands)), "try again later"});
  const auto refuse_asker = [&](Limit limit) {
    refuse(std::move(pending),
           {sqlstate::kConfigurationLimitExceeded, text_of(limiter_.note(limit)), "try again later"});
  };
  if (!role_has_room(pending->command)) return refuse_asker(Limit::commands);
  const bool is_user = pending->command.claims && !has_no_user(pending->command);
  const Limit limit = is_user ? Limit::commands_by_user : Limit::commands_by_address;
  note_begin(pending->command);
  if (lane.admit(pending, limits[limit] == 0 ? limits[Limit::commands] : limits[limit])) return;
  note_end(pending->command);
  refuse_asker(limit);
}

void Database::note_begin(const Command &command) {
  ++unfinished_;
  if (has_no_user(command)) ++unfinished_without_user_[command.claims->role];
}

void Database::note_outcome(const PendingCommand &pending, const CommandResult &result) {
  CommandTally &tally = tallies_[pending.command.name];
  tally.durations.observe(std::chrono::nanoseconds(Loop::exact_now() - pending.began));
  if (result.error) tally.errors.note(result.error->sqlstate);
}

void Database::note_end(const Command &command) {
  --unfinished_;
  if (!has_no_user(command)) return;
  const auto of_role = unfinished_without_user_.find(command.claims->role);
  if (--of_role->second == 0) unfinished_without_user_.erase(of_role);
}

// Those without a user are many: together those of a role have half of the places, whatever they ask for.
bool Database::role_has_room(const Command &command) const {
  if (!has_no_user(command)) return true;
  const auto of_role = unfinished_without_user_.find(command.claims->role);
  return of_role == unfinished_without_user_.end() ||
         of_role->second < std::max(limiter_.limits()[Limit::commands] / 2, 1u);
}

// Answers on the next turn of the loop: the caller may be iterating over what its callback changes.
void Database::refuse(PendingRef pending, const DatabaseError &error) {
  tallies_[pending->command.name].errors.note(error.sqlstate);
  refused_.push_back([done = std::move(pending->command.done), error] { done({{}, error}); });
  refusal_timer_.start(Milliseconds{0});
}

void Database::check_deadlines() {
  const std::uint64_t now = loop_.now();
  for (ConnectionLane *lane : {&joins_, &queries_, &writes_, &own_})
    lane->check_deadlines(now);
}

} // namespace pg_live
