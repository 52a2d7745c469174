// Calls connections together.
#include "connection/connection_registry.hpp"

#include "text/json.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

ConnectionRegistry::ConnectionRegistry(Loop &loop, const Limits &limits)
    : unfinished_messages_(limits[Limit::unfinished_bytes]), leave_timer_(loop, [this] { leave_topics(); }) {}

void ConnectionRegistry::add(RegisteredConnection &connection) { open_.add(connection); }

void ConnectionRegistry::remove(RegisteredConnection &connection) { open_.remove(connection); }

std::vector<const RegisteredConnection *> ConnectionRegistry::slowest(std::size_t count) const {
  std::vector<const RegisteredConnection *> waiting;
  if (tally_.bytes_queued == 0) return waiting;
  for (const RegisteredConnection *connection : open_)
    if (connection->queued_bytes() > 0) waiting.push_back(connection);
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(count, waiting.size()));
  std::partial_sort(waiting.begin(), end, waiting.end(),
                    [](const auto *one, const auto *other) { return one->queued_bytes() > other->queued_bytes(); });
  waiting.erase(end, waiting.end());
  return waiting;
}

void ConnectionRegistry::give_up_messages(const Log &log) {
  while (MessageSender *sender = unfinished_messages_.largest()) {
    auto *connection = static_cast<RegisteredConnection *>(sender);
    log.warning("closed the connection with the largest unfinished message: together they use too much memory",
                {{"connection", connection->id()}, {"closed", ++given_up_messages_}});
    connection->allowance().note(Limit::unfinished_bytes);
    connection->close(1013, "too many unfinished messages");
  }
}

void ConnectionRegistry::leave_topics_soon(std::weak_ptr<RegisteredConnection> connection) {
  leaving_.push_back(std::move(connection));
  leave_timer_.start(Milliseconds{0});
}

void ConnectionRegistry::leave_topics() {
  for (const auto &leaving : std::exchange(leaving_, {}))
    if (const auto connection = leaving.lock()) connection->leave_topics();
}

void ConnectionRegistry::note_ended(std::string_view payload) {
  const auto object = json::parse(payload);
  const auto ids = object ? json::member(*object, "ids") : std::nullopt;
  if (!ids) return;
  for (const json::Value &id : json::elements(*ids)) {
    std::string text;
    if (!json::unescape(id, text)) continue;
    const auto uuid = Uuid::parse(text);
    RegisteredConnection *const connection = uuid ? open_.find(*uuid) : nullptr;
    if (connection != nullptr) connection->note_going_offline();
  }
}

void ConnectionRegistry::assert_presence() {
  for (RegisteredConnection *connection : open_)
    connection->assert_presence();
}

void ConnectionRegistry::check_tokens() {
  for (RegisteredConnection *connection : all_open())
    connection->check_tokens();
}

std::vector<std::weak_ptr<RegisteredConnection>> ConnectionRegistry::all_shared() const {
  std::vector<std::weak_ptr<RegisteredConnection>> connections;
  connections.reserve(open_.size());
  for (RegisteredConnection *connection : open_)
    connections.push_back(std::static_pointer_cast<RegisteredConnection>(connection->shared_from_this()));
  return connections;
}

void ConnectionRegistry::close_all(unsigned code, std::string_view reason) {
  for (RegisteredConnection *connection : all_open())
    connection->close(static_cast<std::uint16_t>(code), reason);
}

} // namespace pg_live
