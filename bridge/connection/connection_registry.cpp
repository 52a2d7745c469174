// Counts connections, and calls them together.
#include "connection/connection_registry.hpp"

#include "text/json.hpp"

#include <utility>

namespace pg_live {

namespace {

template <typename Counts>
unsigned count_of(const Counts &counts, const std::string &key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

template <typename Counts>
typename Counts::value_type *count_up(Counts &counts, const std::string &key) {
  auto &entry = *counts.try_emplace(key, 0).first;
  ++entry.second;
  return &entry; // entries of a node-based map stay where they are
}

template <typename Counts>
void count_down(Counts &counts, typename Counts::value_type *entry) {
  if (entry != nullptr && --entry->second == 0) counts.erase(counts.find(entry->first));
}

} // namespace

ConnectionRegistry::ConnectionRegistry(Loop &loop, const Limits &limits)
    : limits_(limits), unfinished_messages_(limits[Limit::unfinished_bytes]),
      leave_timer_(loop, [this] { leave_topics(); }) {}

ConnectionRegistry::Seat::~Seat() {
  if (registry_ == nullptr) return;
  --registry_->seats_;
  count_down(registry_->by_address_, address_);
  count_down(registry_->by_user_, user_);
}

bool ConnectionRegistry::has_room_for(const std::string &address) const {
  if (seats_ >= limits_[Limit::connections]) return false;
  return limits_[Limit::connections_by_address] == 0 ||
         count_of(by_address_, address) < limits_[Limit::connections_by_address];
}

ConnectionRegistry::Seat ConnectionRegistry::acquire_seat(const std::string &address, const std::string &user_id,
                                                          std::string &refusal) {
  Seat seat;
  if (!has_room_for(address)) {
    refusal = "too many connections";
  } else if (!user_id.empty() && limits_[Limit::connections_by_user] != 0 &&
             count_of(by_user_, user_id) >= limits_[Limit::connections_by_user]) {
    refusal = "too many connections of this user";
  } else {
    ++seats_;
    seat.registry_ = this;
    seat.address_ = count_up(by_address_, address);
    if (!user_id.empty()) seat.user_ = count_up(by_user_, user_id);
  }
  return seat;
}

void ConnectionRegistry::add(RegisteredConnection &connection) { open_.add(connection); }

void ConnectionRegistry::remove(RegisteredConnection &connection) { open_.remove(connection); }

void ConnectionRegistry::give_up_messages(const Log &log) {
  while (MessageSender *sender = unfinished_messages_.largest()) {
    auto *connection = static_cast<RegisteredConnection *>(sender);
    log.warning("closed the connection with the largest unfinished message: together they use too much memory",
                {{"connection", connection->id()}, {"closed", ++given_up_messages_}});
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

void ConnectionRegistry::close_all(unsigned code, std::string_view reason) {
  for (RegisteredConnection *connection : all_open())
    connection->close(static_cast<std::uint16_t>(code), reason);
}

} // namespace pg_live
