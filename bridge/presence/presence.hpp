// This process as a node of the database: its lease, the connections it asserts, the members they track in channels,
// and the sessions they are in.
//
// Invariant: if an outcome is unknown or the lease was lost, the node starts over under a new id: it asserts everything
// again and retires the old id, so that a call that arrives late finds no node.
#pragma once

#include "database/database.hpp"
#include "presence/presence_calls.hpp"
#include "presence/presence_queue.hpp"
#include "process/log.hpp"
#include "process/loop.hpp"

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

class Presence {
 public:
  Presence(Loop &loop, const Log &log, Database &database, unsigned lease_seconds);

  // assert_everything: queues every open connection, tracked member and visit of a session again.
  void start(MemberOwner &members, std::function<void()> assert_everything);

  // What is added to the queue is sent to the database.
  PresenceQueue &queue() { return queue_; }

  // The interval at which use of a connection is reported, short enough that no user turns idle between two reports.
  std::chrono::seconds report_use_every() const { return report_use_every_; }

  // Calls `then` once the database knows the connection; at once if the connection is not queued, or the database
  // cannot be reached. Passes an error at `give_up`, of Loop::now(), or if too many commands of the user wait.
  using Continue = std::function<void(const std::optional<DatabaseError> &)>;
  void when_known(const Uuid &connection, const std::string &user, std::uint64_t give_up, Continue then);

  // Asks whether the database has the connection, once it knows those that are queued. What it does not answer is
  // asked again after the next batch, of which a renewal is one.
  void ask_whether_present(const Uuid &connection, const std::string &user, std::function<void(bool present)> then);

  // The process ends: gives its users the grace period to reconnect through another one.
  void retire();
  bool retired() const { return retired_; }

 private:
  struct Waiting {
    Uuid connection;
    std::uint64_t give_up;
    Continue then;
  };
  struct Question {
    Uuid connection;
    std::string user;
    std::function<void(bool present)> then;
  };
  enum class Step : unsigned char {
    retire,
    begin,
    renew,
    connects,
    uses,
    members,
    checked,
    entered,
    exited,
    closed,
    broken
  };

  void flush();
  void send_batch();
  void send(Step step, PresenceCall call);
  void run(PresenceCall call, std::function<void(const CommandResult &)> done);
  void handle(Step step, const CommandResult &result);
  void handle_members_error(const DatabaseError &error);
  void handle_refusals(const CommandResult &result);
  DatabaseError reason_for_waiting() const;
  void end_waits();
  void postpone(Step step);
  void finish_batch();
  void start_over();
  void send_retirement();

  Loop &loop_;
  const Log &log_;
  Database &database_;
  PresenceQueue queue_;
  MemberOwner *members_ = nullptr;
  std::function<void()> assert_everything_;
  std::string lease_; // an interval
  std::chrono::seconds report_use_every_{60};
  Milliseconds renew_every_;
  LoopTimer renew_timer_;
  LoopTimer retry_timer_;
  LoopTimer later_timer_;
  LoopTimer wait_timer_; // looks for waits that are over

  Uuid id_ = Uuid::random();
  std::vector<Uuid> former_ids_;                                  // to be retired
  std::unordered_map<std::string, std::vector<Waiting>> waiting_; // by user, in the order they came
  std::size_t waiting_count_ = 0;
  std::vector<Question> questions_;            // to be asked again
  std::uint64_t aged_at_ = 0;                  // Loop::now() of the last grow_older()
  std::optional<DatabaseError> trouble_;       // why the last batch failed
  std::optional<DatabaseError> members_error_; // why its members were not stored, until the refused ones are known
  unsigned unanswered_ = 0;                    // commands of the batch
  unsigned failures_ = 0;                      // of batches, in a row
  bool registered_ = false;
  bool must_renew_ = false;
  bool must_start_over_ = false;
  bool must_retire_again_ = false;
  bool stopping_ = false;
  bool retired_ = false;
};

} // namespace pg_live
