// Who is in which session: a connection is in a session while it has joined the channel session:<id>.
//
// Invariant: the database is told of a visit once it began and once it ended, however many channels of a connection
// have the same topic. A connection that ends takes its visits along, so those are not ended one by one.
#pragma once

#include "channel/channel.hpp"
#include "presence/presence_queue.hpp"
#include "presence/tracker.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace pg_live {

// The session of a topic; nothing for other topics.
std::optional<Uuid> session_of_topic(std::string_view topic);

class SessionPresence {
 public:
  explicit SessionPresence(PresenceQueue &queue) : queue_(queue) {}
  SessionPresence(const SessionPresence &) = delete;
  SessionPresence &operator=(const SessionPresence &) = delete;

  // The channel follows its topic of the database.
  void join(Channel &channel);
  // The node has started over: all visits begin again.
  void enter_everything();

 private:
  class Place;

  void enter(const SessionVisit &visit);
  void exit(const SessionVisit &visit, Departure departure);

  PresenceQueue &queue_;
  std::map<SessionVisit, unsigned> visits_; // how many channels each has
};

} // namespace pg_live
