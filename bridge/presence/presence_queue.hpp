// Changes of presence that are waiting for the database, in batches that Presence sends.
//
// Invariants: one batch is on its way at a time, so the database learns of changes in the order they happened, and of
// many at once under load. A change that met a locked row is sent again later and delays nothing else, unless it ended,
// was replaced or was forgotten before that.
#pragma once

#include "base/uuid.hpp"
#include "database/database_error.hpp"

#include <chrono>
#include <compare>
#include <cstddef>
#include <functional>
#include <set>
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

// The owner of queued members, notified of what became of them.
class MemberOwner {
 public:
  virtual ~MemberOwner() = default;
  virtual void stored(const std::string &ref) = 0;
  virtual void refused(const std::string &ref, const DatabaseError &error) = 0;
  // It has waited for too long; it may have been stored, or may still be.
  virtual void overdue(const std::string &ref, const DatabaseError &error) = 0;
};

using PresenceRefusals = std::vector<std::pair<std::string, DatabaseError>>; // by ref

// A use of a connection.
struct ReportedUse {
  Uuid connection;
  std::chrono::seconds ago{0};
};

// A connection in a session, as live_private.session_connection has it. Those of one connection stand together.
struct SessionVisit {
  Uuid connection;
  Uuid session;

  auto operator<=>(const SessionVisit &) const = default;
  std::string name() const { return connection.text() + " " + session.text(); } // as the database names it
};

// How a connection ended: closed by its client, or broken off, and then its user keeps the grace period to reconnect.
enum class Ending : unsigned char { closed, broken };

struct PresenceBatch {
  std::unordered_map<Uuid, PresentConnection, UuidHash> connects;
  std::vector<ReportedUse> uses;
  std::unordered_map<std::string, TrackedMember> tracked; // by ref
  std::vector<std::string> untracked;                     // refs
  std::set<SessionVisit> entered;
  std::set<SessionVisit> exited;
  std::vector<Uuid> closed;
  std::vector<Uuid> broken;

  bool empty() const;
  void add(PresenceBatch later); // of two with the same key, keeps its own
};

// The parts of a batch that can meet locked rows, in the order they are sent.
enum class PresencePart : unsigned char { broken, connects, members, entered, exited, closed };

using LockedNames = std::unordered_set<std::string_view>;

class PresenceQueue {
 public:
  // `filled` is called after each addition.
  explicit PresenceQueue(std::function<void()> filled);

  void connect(PresentConnection connection);
  void disconnect(const Uuid &connection, Ending ending);
  void report_use(const ReportedUse &use);

  // The owner hears stored() or refused(), unless the member was replaced, untracked or forgotten before.
  void track(TrackedMember member);
  void untrack(const std::string &ref);
  // Drops a member that was not stored yet.
  void forget(const std::string &ref);

  // The connection enters a session, or leaves it. Its end takes it out of all.
  void enter(const SessionVisit &visit);
  void exit(const SessionVisit &visit);

  bool empty() const { return waiting_.empty(); }
  // Whether the connection is waiting or on its way to the database.
  bool is_connecting(const Uuid &connection) const;

  // Starts the next batch. The caller sends it, reports what became of each part, and calls answered(). Leaves out
  // connections of users whose id the database cannot store.
  const PresenceBatch &start_batch(const std::function<bool(const std::string &)> &can_store = nullptr);
  const PresenceBatch &sent() const { return sent_; }
  // locked: refs of members that were neither stored nor ended, since another transaction holds their rows.
  void members_stored(MemberOwner &owner, const LockedNames &locked);
  // Values out of bounds failed the whole call. It is sent again without the refused members; if none are known, with
  // half as many members, until one is alone.
  void members_refused(MemberOwner &owner, const DatabaseError &error, const PresenceRefusals &refusals);
  // The connections of the part were connected or ended, or the visits began or ended, but for those whose rows were
  // locked. A connection that is not known yet cannot enter.
  void note_done(PresencePart part, const LockedNames &locked);
  // Nothing of the part was done.
  void postpone(PresencePart part);
  void answered() { sent_ = {}; }

  // Reports members that have waited through two calls of this as overdue.
  void grow_older(MemberOwner &owner, const DatabaseError &error);

  bool has_later() const { return !later_.empty(); }
  // Queues again what met locked rows.
  void resume();

  // Drops everything but the batch on its way.
  void clear();

 private:
  void note_connected(const LockedNames &locked);

  std::function<void()> filled_;
  PresenceBatch waiting_;
  PresenceBatch sent_;
  PresenceBatch later_; // what met locked rows
  std::size_t sent_members_ = 0;
  std::size_t max_members_;
};

} // namespace pg_live
