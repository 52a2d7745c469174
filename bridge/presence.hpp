// This process as a node of the database: its lease, the connections of users it holds, what they track in channels.
//
// Invariants: one batch of calls is on its way at a time, so the database hears of everything in the order it happened,
// and of much at once when there is much. What the database could not do because somebody holds a row is done later,
// and holds up nothing else. Whenever an outcome is unknown or the lease was lost, the node starts over under a new id:
// it holds everything anew and retires the old id, so that a call that arrives late finds no node.
#pragma once

#include "database.hpp"
#include "log.hpp"
#include "loop.hpp"
#include "uuid.hpp"

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

// A connection of a user, as live.connection has it.
struct PresentConnection {
  Uuid id;
  std::string user_id;
  std::string_view device_type; // a literal: one of live.device_type
};

// A member of a channel, as live.tracked_member.
struct TrackedMember {
  std::string ref;
  std::string previous_ref; // the member it replaces; empty: none
  Uuid connection;
  std::string topic;
  bool is_private = false;
  std::string key;
  std::string user_id; // empty: anonymous
  std::string meta;    // JSON object
};

// Those who hold connections and members.
class PresenceHolder {
 public:
  virtual ~PresenceHolder() = default;
  virtual void hold_everything() = 0; // connect() and track() what there is now
  virtual bool holds(const std::string &ref) const = 0;
  virtual void stored(const std::string &ref) = 0;
  virtual void refused(const std::string &ref, const DatabaseError &error) = 0;
};

class Presence {
 public:
  Presence(Loop &loop, const Log &log, Database &database, unsigned lease_seconds);

  void start(PresenceHolder &holder);

  void connect(PresentConnection connection);
  // clean: the client ended it. Else it has the grace period to come back.
  void disconnect(const Uuid &connection, bool clean);
  void report_activity(const Uuid &connection);

  // Does something once the database has been told of a connection; at once if it is not being told just now, or
  // cannot be.
  void when_told(const Uuid &connection, std::function<void()> then);

  // Answered by stored() or refused(), unless the holder does not hold it any more.
  void track(TrackedMember member);
  void untrack(const std::string &ref);
  // It need not be stored any more, if it was not yet.
  void forget(const std::string &ref);

  // The process ends: everybody has the grace period to come back through another.
  void retire();
  bool retired() const { return retired_; }

 private:
  struct Waiting {
    Uuid connection;
    std::function<void()> then;
  };
  struct Batch {
    std::unordered_map<Uuid, PresentConnection, UuidHash> connects;
    std::vector<Uuid> closed;
    std::vector<Uuid> broken;
    std::vector<Uuid> active;
    std::unordered_map<std::string, TrackedMember> tracked; // by ref
    std::vector<std::string> untracked;
    bool empty() const;
    void add(Batch later); // what is here already counts
  };
  enum class Step : unsigned char { retire, begin, renew, connect, activity, members, closed, broken };

  void flush();
  void send_batch();
  void send(Step step, std::string_view sql, std::vector<std::optional<std::string>> parameters);
  void take(Step step, const CommandResult &result);
  void take_members(const CommandResult &result);
  void take_held(std::vector<Uuid> &ended, std::vector<Uuid> &later, const Rows &rows);
  void postpone(Step step);
  void finish_batch();
  bool is_telling(const Uuid &connection) const;
  void start_over();
  void send_retirement();
  Batch take_pending();

  const Log &log_;
  Database &database_;
  PresenceHolder *holder_ = nullptr;
  std::string lease_; // an interval
  Milliseconds renew_every_;
  LoopTimer renew_timer_;
  LoopTimer retry_timer_;
  LoopTimer later_timer_;

  Uuid id_ = Uuid::random();
  std::vector<Uuid> former_ids_; // to be retired
  Batch pending_;
  Batch sent_;
  Batch later_;                  // what somebody held up
  std::vector<Waiting> waiting_; // in the order they came
  unsigned unanswered_ = 0;      // commands of sent_
  unsigned failures_ = 0;        // of batches, in a row
  bool registered_ = false;
  bool must_renew_ = false;
  bool must_start_over_ = false;
  bool one_by_one_ = false; // among the members of the last batch was one that the database refuses
  bool stopping_ = false;
  bool retired_ = false;
};

} // namespace pg_live
