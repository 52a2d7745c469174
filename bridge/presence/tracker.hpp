// Brings the members stored in the database to what the clients of the channels wish.
//
// Invariants: one change of a channel is on its way at a time; the latest wish wins; every message of a client is
// answered once, when its wish, or a later one, has been stored or refused. A member that the database lost without a
// wish of its user is stored again. The channels of one user hold no more bytes of metadata than the limit, and neither
// do those of one address; a connection without a user counts by itself.
#pragma once

#include "limits/limiter.hpp"
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
  virtual const Uuid &connection() const = 0;     // changes when its user signs out
  virtual Allowance &allowance() = 0;             // of the connection
  // Whether its access is known. Otherwise nothing is done until check().
  virtual bool is_settled() const = 0;
  // A member of it without ref, user_id and meta. Its connection is asserted in the database from now on.
  virtual TrackedMember create_member() = 0;
  // Answers the message of the client with this ref.
  virtual void answer(const std::string &message_ref, const std::optional<DatabaseError> &error) = 0;
};

// What leaves: the channel, or its connection, with which, or after the grace period, its members end.
enum class Departure : unsigned char { of_channel, of_connection };

// Why the database ended a member: its user went offline, or anything else.
enum class LossCause : unsigned char { user, other };

// The state of one channel. Tracker::leave() ends it.
class Tracking {
 public:
  explicit Tracking(TrackedChannel &channel) : channel_(channel) {}

  // Removes and returns the unanswered messages; the caller answers them.
  std::vector<std::string> pop_messages();

 private:
  friend class Tracker;
  struct Entry {
    std::string ref; // empty: nothing
    std::string user_id;
    std::string meta;
    Uuid connection;
    bool lost = false; // the database has ended it
  };
  TrackedChannel &channel_;
  std::optional<std::string> wish_; // metadata to be tracked with; nothing: not at all
  bool is_withdrawn_ = false;       // wish_ was reset, and not by a message of the client
  Entry stored_;
  Entry sending_; // on its way to the database
  std::vector<std::string> wish_messages_;
  std::vector<std::string> sending_messages_;
  std::string counted_for_; // owner of the sum that holds counted_bytes_
  std::size_t counted_bytes_ = 0;
};

class Tracker final : public MemberOwner {
 public:
  // Refs begin with the prefix, which no other tracker uses. The metadata of one user has at most max_bytes; 0: any.
  Tracker(PresenceQueue &queue, std::string ref_prefix, std::size_t max_bytes)
      : queue_(queue), ref_prefix_(std::move(ref_prefix)), max_bytes_(max_bytes) {}

  // Records the wish of a client's message. An error: nothing has changed, and the message is not answered.
  std::optional<DatabaseError> wish(Tracking &tracking, std::optional<std::string> meta, std::string message_ref);
  // Follows a change of the channel's user. A member that exceeds the limit of the new user is ended.
  void check(Tracking &tracking);
  // Ends the member of a channel whose new user may not be tracked there, and answers waiting messages with the error.
  void withdraw(Tracking &tracking, const DatabaseError &error);
  void leave(Tracking &tracking, Departure departure);
  // The database has ended a member.
  void lost(const std::string &ref, LossCause cause);
  // The node has started over: stores all members again.
  void store_everything();
  // The number of users, and of connections without a user, that have metadata.
  std::size_t counted_owners() const { return bytes_by_owner_.size(); }

  void stored(const std::string &ref) override;
  void refused(const std::string &ref, const DatabaseError &error) override;
  void overdue(const std::string &ref, const DatabaseError &error) override;

 private:
  void advance(Tracking &tracking);
  void store(Tracking &tracking, Tracking::Entry &entry, const std::string &previous_ref);
  void forget(Tracking::Entry &entry);
  static void reset_wish(Tracking &tracking);
  static bool is_as_wished(const Tracking &tracking);
  Tracking *sending(const std::string &ref) const;
  static std::string owner_of(const Tracking &tracking);
  static std::size_t bytes_with(const Tracking &tracking, const std::optional<std::string> &wish);
  std::optional<DatabaseError> excess_of(const Tracking &tracking, const std::string &owner, std::size_t bytes) const;
  void count(Tracking &tracking, const std::string &owner, std::size_t bytes);
  void recount(Tracking &tracking);

  PresenceQueue &queue_;
  std::string ref_prefix_;
  std::size_t max_bytes_; // of one owner; 0: any number
  std::uint64_t last_ref_ = 0;
  std::unordered_map<std::string, Tracking *> by_ref_;          // of members that are stored or on their way
  std::unordered_map<std::string, std::size_t> bytes_by_owner_; // none of them 0
};

} // namespace pg_live
