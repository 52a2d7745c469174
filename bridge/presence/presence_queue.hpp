// What the database is to be told of who is present, and has not done yet. Presence carries it there.
//
// Invariants: one batch is on its way at a time, so the database hears of everything in the order it happened, and of
// much at once when there is much. What it could not do because somebody holds a row comes again later, and holds up
// nothing else; what ended, was replaced or is forgotten meanwhile does not come again.
#pragma once

#include "base/uuid.hpp"
#include "database/database_error.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pg_live {

// A connection of a user, as live.connection has it.
struct PresentConnection {
  Uuid id;
  std::string user_id;
  std::string_view device_type; // a literal: one of live.device_type
};

// A member of a channel, as live_private.tracked_member.
struct TrackedMember {
  std::string ref;
  std::string previous_ref; // the member it replaces; empty: none
  Uuid connection;
  std::string topic;
  bool is_private = false;
  std::string key;
  std::string user_id; // empty: anonymous
  std::string meta;    // JSON object
  unsigned age = 0;    // see PresenceQueue::grow_older()
};

// Whoever has members stored, and hears what became of them.
class MemberHolder {
 public:
  virtual ~MemberHolder() = default;
  virtual void stored(const std::string &ref) = 0;
  virtual void refused(const std::string &ref, const DatabaseError &error) = 0;
  // It has waited for too long; it may have been stored, or may yet be.
  virtual void overdue(const std::string &ref, const DatabaseError &error) = 0;
};

using PresenceRefusals = std::vector<std::pair<std::string, DatabaseError>>; // by ref

// Something was done on a connection.
struct ReportedUse {
  Uuid connection;
  std::chrono::seconds ago{0};
};

struct PresenceBatch {
  std::unordered_map<Uuid, PresentConnection, UuidHash> connects;
  std::vector<ReportedUse> uses;
  std::unordered_map<std::string, TrackedMember> tracked; // by ref
  std::vector<std::string> untracked;                     // refs
  std::vector<Uuid> closed;                               // the client ended them
  std::vector<Uuid> broken;                               // the client may come back

  bool empty() const;
  void add(PresenceBatch later); // what is here already counts
};

// The parts of a batch that can be held up, in the order the database is told of them.
enum class PresencePart : unsigned char { broken, connects, members, closed };

using HeldNames = std::unordered_set<std::string_view>;

class PresenceQueue {
 public:
  // `filled` is called whenever there is something more to send.
  explicit PresenceQueue(std::function<void()> filled);

  void connect(PresentConnection connection);
  // clean: the client ended it. Else it has the grace period to come back.
  void disconnect(const Uuid &connection, bool clean);
  void report_use(const ReportedUse &use);

  // The holder hears stored() or refused(), unless the member was replaced, untracked or forgotten before.
  void track(TrackedMember member);
  void untrack(const std::string &ref);
  // It need not be stored any more, if it is not yet.
  void forget(const std::string &ref);

  bool empty() const { return waiting_.empty(); }
  // Whether the database is about to be told of a connection.
  bool is_telling(const Uuid &connection) const;

  // The next batch, to be sent; then what became of its parts; then that all of it is answered. Without connections of
  // users whom the database cannot hold: it knows nothing of them.
  const PresenceBatch &send(const std::function<bool(const std::string &)> &can_hold = nullptr);
  const PresenceBatch &sent() const { return sent_; }
  // held: refs of members that are neither stored nor ended, since somebody holds them.
  void members_stored(MemberHolder &holder, const HeldNames &held);
  // Of values out of bounds. They fail all they were sent with, which goes again without those that are known to be
  // refused. If none are known, fewer members go at once, until one is alone.
  void members_refused(MemberHolder &holder, const DatabaseError &error, const PresenceRefusals &refusals);
  // Connections were connected or ended, but for those that somebody holds.
  void told(PresencePart part, const HeldNames &held);
  // Nothing of the part was done.
  void postpone(PresencePart part);
  void answered() { sent_ = {}; }

  // Members that were there the last time but one have waited for too long.
  void grow_older(MemberHolder &holder, const DatabaseError &error);

  bool has_later() const { return !later_.empty(); }
  // What was held up comes again.
  void resume();

  // Nothing is to be told any more.
  void clear();

 private:
  std::function<void()> filled_;
  PresenceBatch waiting_;
  PresenceBatch sent_;
  PresenceBatch later_; // what somebody held up
  std::size_t sent_members_ = 0;
  std::size_t most_members_;
};

} // namespace pg_live
