// What channels are tracked as in the database, and want to be.
//
// Invariants: one change of a channel is on its way at a time; the latest wish wins; every message of a client is
// answered once, when its wish, or a later one, has been stored or refused. What the database lets go of without the
// user's wish is stored again.
#pragma once

#include "presence/presence_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

// A channel, as the tracker asks for it.
class TrackedChannel {
 public:
  virtual ~TrackedChannel() = default;
  virtual const std::string &user_id() const = 0; // on whose behalf; empty: anonymous
  virtual const Uuid &connection() const = 0;     // another one after its user has signed out
  // Whether it is known what it may do. If not, nothing is done until check().
  virtual bool is_settled() const = 0;
  // Everything about its member but who it is: ref, user_id and meta.
  virtual TrackedMember member() = 0;
  // To the message of the client with this ref.
  virtual void answer(const std::string &message_ref, const std::optional<DatabaseError> &error) = 0;
};

// The state of one channel. Tracker::leave() ends it.
class Tracking {
 public:
  explicit Tracking(TrackedChannel &channel) : channel_(channel) {}

  // The messages that are not answered, for somebody else to answer.
  std::vector<std::string> take_messages();

 private:
  friend class Tracker;
  struct Entry {
    std::string ref; // empty: nothing
    std::string user_id;
    std::string meta;
    Uuid connection;
    bool lost = false; // the database has let go of it
  };
  TrackedChannel &channel_;
  std::optional<std::string> wish_; // metadata to be tracked with; nothing: not at all
  Entry stored_;
  Entry sending_; // on its way to the database
  std::vector<std::string> wish_messages_;
  std::vector<std::string> sending_messages_;
};

class Tracker final : public MemberHolder {
 public:
  // Refs begin with the prefix, which nobody else uses.
  Tracker(PresenceQueue &queue, std::string ref_prefix) : queue_(queue), ref_prefix_(std::move(ref_prefix)) {}

  // A message of the client. False, and no answer: too many are waiting.
  bool wish(Tracking &tracking, std::optional<std::string> meta, std::string message_ref);
  // The channel's user has changed. may_track: whether the new one may be tracked there.
  void check(Tracking &tracking, bool may_track);
  // The channel ends. with_connection: with its connection, which ends what it tracks, or lets it wait for its client.
  void leave(Tracking &tracking, bool with_connection);
  // The database has let go of a member. by_user: the user wanted it so.
  void lost(const std::string &ref, bool by_user);
  // The node has started over.
  void store_everything();

  void stored(const std::string &ref) override;
  void refused(const std::string &ref, const DatabaseError &error) override;
  void overdue(const std::string &ref, const DatabaseError &error) override;

 private:
  void advance(Tracking &tracking);
  void store(Tracking &tracking, Tracking::Entry &entry, const std::string &previous_ref);
  void forget(Tracking::Entry &entry);
  static bool is_as_wished(const Tracking &tracking);
  Tracking *sending(const std::string &ref) const;

  PresenceQueue &queue_;
  std::string ref_prefix_;
  std::uint64_t last_ref_ = 0;
  std::unordered_map<std::string, Tracking *> by_ref_; // what is stored, or on its way
};

} // namespace pg_live
