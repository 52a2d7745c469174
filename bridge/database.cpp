// The pool: which connection a command goes to, and each user's share of it.
#include "database.hpp"

#include "pipelined_connection.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr Milliseconds kDeadlineCheck{500};

std::vector<std::unique_ptr<PipelinedConnection>> make_connections(Loop &loop, const Log &log,
                                                                   const DatabaseSettings &settings, Database &pool,
                                                                   const std::string &kind, unsigned count) {
  std::vector<std::unique_ptr<PipelinedConnection>> connections;
  for (unsigned i = 1; i <= count; ++i)
    connections.push_back(
        std::make_unique<PipelinedConnection>(loop, log, settings, pool, kind + " " + std::to_string(i)));
  return connections;
}

// Empty for the anonymous and for the bridge itself.
std::string_view user_of(const Command &command) {
  return command.claims ? std::string_view(command.claims->user_id) : std::string_view();
}

bool any_ready(const std::vector<std::unique_ptr<PipelinedConnection>> &connections) {
  return std::any_of(connections.begin(), connections.end(), [](const auto &each) { return each->ready(); });
}

} // namespace

Database::Database(Loop &loop, const Log &log, const DatabaseSettings &settings, unsigned commands_per_user)
    : loop_(loop), settings_(settings), commands_per_user_(commands_per_user),
      readers_(make_connections(loop, log, settings, *this, "read", settings.read_connections)),
      writers_(make_connections(loop, log, settings, *this, "write", settings.write_connections)),
      own_(std::make_unique<PipelinedConnection>(loop, log, settings, *this, "own")),
      deadline_timer_(loop, [this] { check_deadlines(); }), refusal_timer_(loop, [this] {
        const DatabaseError error{"53400", "too many commands are waiting for the database", "try again later"};
        for (const auto &done : std::exchange(refused_, {}))
          done({{}, error});
      }) {}

Database::~Database() = default;

void Database::start() {
  for (const auto &connection : readers_)
    connection->start();
  for (const auto &connection : writers_)
    connection->start();
  own_->start();
  deadline_timer_.start(kDeadlineCheck, kDeadlineCheck);
}

bool Database::own_ready() const { return own_->ready(); }

void Database::connected(const PipelinedConnection &connection, std::string_view own_role) {
  own_role_ = own_role;
  if (&connection == own_.get() && own_ready_) own_ready_();
}

// Never within the call: whoever asks may be walking what the answer changes.
void Database::refuse(std::function<void(CommandResult)> done) {
  refused_.push_back(std::move(done));
  refusal_timer_.start(Milliseconds{0});
}

bool Database::ready() const { return any_ready(readers_) && any_ready(writers_); }

void Database::read(Command command) { admit(std::move(command), true); }

void Database::write(Command command) { admit(std::move(command), false); }

void Database::run_own(Command command) { own_->submit(prepare(std::move(command), false)); }

Database::PendingRef Database::prepare(Command command, bool repeatable) {
  ++unfinished_;
  auto pending = std::make_unique<Pending>();
  pending->command = std::move(command);
  pending->repeatable = repeatable;
  pending->give_up = loop_.now() + settings_.statement_timeout_seconds * 1000u;
  return pending;
}

void Database::admit(Command command, bool repeatable) {
  if (unfinished_ >= settings_.waiting_commands) {
    return refuse(std::move(command.done));
  }
  PendingRef pending = prepare(std::move(command), repeatable);
  const std::string_view user_id = user_of(pending->command);
  if (user_id.empty()) return dispatch(std::move(pending));
  Share &share = shares_[std::string(user_id)];
  if (share.running >= commands_per_user_) {
    share.waiting.push_back(std::move(pending));
  } else {
    ++share.running;
    dispatch(std::move(pending));
  }
}

void Database::dispatch(PendingRef pending) {
  PipelinedConnection &connection =
      pending->repeatable ? least_loaded_reader() : *writers_[pending->command.sequence_key % writers_.size()];
  connection.submit(std::move(pending));
}

PipelinedConnection &Database::least_loaded_reader() {
  const auto better = [](const auto &one, const auto &other) {
    if (one->ready() != other->ready()) return one->ready();
    return one->load() < other->load();
  };
  return **std::min_element(readers_.begin(), readers_.end(), better);
}

void Database::finish(PendingRef pending, CommandResult result) {
  --unfinished_;
  release_share(std::string(user_of(pending->command)));
  pending->command.done(std::move(result));
}

void Database::release_share(const std::string &user_id) {
  const auto found = shares_.find(user_id);
  if (found == shares_.end()) return;
  Share &share = found->second;
  if (share.waiting.empty()) {
    if (--share.running == 0) shares_.erase(found);
    return;
  }
  PendingRef next = std::move(share.waiting.front());
  share.waiting.pop_front();
  dispatch(std::move(next));
}

void Database::check_deadlines() {
  const std::uint64_t now = loop_.now();
  for (const auto &connection : readers_)
    connection->check_deadlines(now);
  for (const auto &connection : writers_)
    connection->check_deadlines(now);
  own_->check_deadlines(now);
}

} // namespace pg_live
