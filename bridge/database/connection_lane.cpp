// Moves commands from the lane to its connections.
#include "database/connection_lane.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

// Clients without a user share a queue by role and address. A user id has no control characters, so the keys cannot
// collide.
std::string share_of(const Command &command) {
  if (!command.claims) return "\n\n" + command.share;
  return command.claims->user_id.empty() ? "\n" + command.claims->role + "\n" + command.share : command.claims->user_id;
}

} // namespace

ConnectionLane::ConnectionLane(Loop &loop, const Log &log, const DatabaseSettings &settings, const std::string &name,
                               LaneLimits limits, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)),
      lane_(limits, [](const PendingRef &pending) { return pending->command.pace == Pace::quick; }) {
  for (std::size_t i = 1; i <= limits.connections; ++i)
    connections_.push_back(
        std::make_unique<PipelinedConnection>(loop, log, settings, *this, name + " " + std::to_string(i)));
}

void ConnectionLane::start() {
  for (const auto &connection : connections_)
    connection->start();
}

std::size_t ConnectionLane::ready_connections() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](const auto &each) { return each->ready(); }));
}

bool ConnectionLane::admit(PendingRef &pending, std::size_t max_waiting) {
  const std::string share = share_of(pending->command);
  if (!lane_.admit(share, pending, max_waiting)) return false;
  pump();
  return true;
}

void ConnectionLane::pump() {
  for (const auto &connection : connections_)
    connection->pump();
}

PendingRef ConnectionLane::next(PipelinedConnection &connection) {
  while (auto pending = lane_.pop(index_of(connection))) {
    if (!is_over(**pending)) return std::move(*pending);
    lane_.withdrawn(index_of(connection));
    over_.push_back(std::move(*pending));
  }
  return nullptr;
}

void ConnectionLane::finish(PipelinedConnection &connection, PendingRef pending, CommandResult result) {
  lane_.answered(index_of(connection));
  callbacks_.finished(std::move(pending), std::move(result));
  pump(); // the next command of this user may go to another connection
}

void ConnectionLane::repeat(PipelinedConnection &connection, PendingRef pending) {
  const std::string share = share_of(pending->command);
  lane_.put_back(share, std::move(pending));
  lane_.answered(index_of(connection));
  pump(); // perhaps on another connection
}

void ConnectionLane::connected(PipelinedConnection &connection) {
  callbacks_.connected(connection);
  connection.pump();
}

std::size_t ConnectionLane::index_of(const PipelinedConnection &connection) const {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto &each) { return each.get() == &connection; });
  return static_cast<std::size_t>(found - connections_.begin());
}

bool ConnectionLane::is_over(const PendingCommand &pending) const {
  return pending.command.give_up <= loop_.now() || !pending.is_wanted();
}

void ConnectionLane::give_up(PendingRef pending) {
  DatabaseError error{"53000", "the database is too busy", "try again later"};
  if (!ready()) error = {"08001", "the database cannot be reached", "try again later"};
  callbacks_.finished(std::move(pending), {{}, std::move(error)});
}

void ConnectionLane::check_deadlines(std::uint64_t now) {
  for (const auto &connection : connections_)
    connection->check_deadline(now);
  std::vector<PendingRef> over = lane_.remove_first([this](const PendingRef &each) { return is_over(*each); });
  for (PendingRef &pending : std::exchange(over_, {}))
    over.push_back(std::move(pending));
  for (PendingRef &pending : over)
    give_up(std::move(pending));
}

} // namespace pg_live
