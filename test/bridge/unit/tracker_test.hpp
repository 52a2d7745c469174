// Clients with channels that are tracked, before the model of the database.
#pragma once

#include "presence/tracker.hpp"
#include "presence_model.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace pg_live {

using Outcome = PresenceModel::Outcome;

// A client with one channel. Its messages are numbers.
class Client final : public TrackedChannel {
 public:
  Client(PresenceQueue &queue, Tracker &tracker, std::string name)
      : queue_(queue), tracker_(tracker), user_(std::move(name)) {
    connect();
    join();
  }

  void connect() { queue_.connect({connection_, user_, "web"}); }
  void join() { tracking_.emplace(*this); }
  void leave(Departure departure) {
    tracker_.leave(*tracking_, departure);
    wishes_.clear();
    wish_.reset();
    join();
  }
  void close(Ending ending) {
    queue_.disconnect(connection_, ending);
    leave(Departure::of_connection);
    connection_ = Uuid::random();
    connect();
  }
  void sign_in_as(const std::string &user) {
    queue_.disconnect(connection_, Ending::closed);
    connection_ = Uuid::random();
    user_ = user;
    connect();
    tracker_.check(*tracking_);
  }
  void wish(std::optional<std::string> meta) {
    wishes_[++last_message_] = meta;
    if (const auto error = tracker_.wish(*tracking_, std::move(meta), std::to_string(last_message_)))
      answer(std::to_string(last_message_), error);
  }

  const std::string &user_id() const override { return user_; }
  const Uuid &connection() const override { return connection_; }
  Allowance &allowance() override { return allowance_; }
  bool is_settled() const override { return settled; }
  TrackedMember create_member() override {
    TrackedMember member;
    member.connection = connection_;
    member.topic = "room";
    member.key = user_;
    return member;
  }
  void answer(const std::string &message, const std::optional<DatabaseError> &error) override {
    const auto wish = wishes_.find(std::stoi(message));
    ASSERT_NE(wish, wishes_.end()) << "a second answer to " << message;
    if (!error) wish_ = wish->second;
    last_error_ = error ? error->sqlstate : "";
    wishes_.erase(wish);
  }

  bool is_answered() const { return wishes_.empty(); }
  void check() { tracker_.check(*tracking_); }
  void withdraw() { tracker_.withdraw(*tracking_, {"42501", "not signed in", ""}); }
  bool settled = true;
  // What it was told it is tracked as.
  const std::optional<std::string> &is_tracked_as() const { return wish_; }
  // SQLSTATE of the last answer; empty if it was no error.
  const std::string &last_error() const { return last_error_; }

 private:
  Limits limits_;
  Limiter limiter_{limits_};
  Allowance allowance_{limiter_, ""};
  PresenceQueue &queue_;
  Tracker &tracker_;
  std::string user_;
  Uuid connection_ = Uuid::random();
  std::optional<Tracking> tracking_;
  std::map<int, std::optional<std::string>> wishes_; // by message, unanswered
  std::optional<std::string> wish_;
  int last_message_ = 0;
  std::string last_error_;
};

struct TrackerTest : testing::Test {
  static constexpr std::size_t kMostBytes = 1000;
  PresenceQueue queue{[] {}};
  Tracker tracker{queue, "ref.", kMostBytes};
  PresenceModel database{queue, tracker};
  std::vector<std::unique_ptr<Client>> clients;

  Client &enter(std::string name) {
    return *clients.emplace_back(std::make_unique<Client>(queue, tracker, std::move(name)));
  }
  void start_over() {
    database.start_over();
    queue.clear();
    for (const auto &client : clients)
      client->connect();
    tracker.store_everything();
  }
  void finish_batch() {
    queue.answered();
    if (database.is_broken()) start_over();
  }
  void hear_signal() {
    const std::string ref = database.signals.front();
    database.signals.pop_front();
    tracker.lost(ref, LossCause::other);
  }
  void answer(Outcome outcome = Outcome::done) {
    while (database.has_to_do())
      database.execute(outcome);
    while (database.has_answers())
      database.hear_answer();
    finish_batch();
  }
  // One whole batch, every part with this outcome.
  void tell(Outcome outcome = Outcome::done) {
    database.send();
    answer(outcome);
  }
  void settle() {
    database.locked_users.clear();
    do {
      tell();
      queue.resume();
      database.expire();
      while (!database.signals.empty())
        hear_signal();
    } while (!queue.empty());
  }
  std::vector<std::string> stored() const {
    std::vector<std::string> metas;
    metas.reserve(database.members.size());
    for (const auto &[ref, stored] : database.members)
      metas.push_back(stored.member.meta);
    std::sort(metas.begin(), metas.end());
    return metas;
  }
  using Metas = std::vector<std::string>;
};

} // namespace pg_live
