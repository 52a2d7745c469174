// Delivers changes of presence under a rule of visibility: each viewer gets those of users that the database lets it
// see.
//
// Invariants: visibility is checked with the viewer's rights, one query at a time for each viewer, so that its events
// stay in order and a flood of changes shares one query. The number of queries on their way is bounded. A query for
// which the database was too busy is repeated; a viewer whose query fails, or for which too many changes wait, joins
// again.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"
#include "database/database.hpp"
#include "wire/live_event.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

class PresenceVisibility {
 public:
  explicit PresenceVisibility(Services &services);

  // Handles an event on $presence.
  void handle(const LiveEvent &event);

 private:
  struct Change {
    Position position;
    std::string event;
    std::string payload;
    std::string user_id;
    bool durable = false;
  };
  using ChangeRef = std::shared_ptr<const Change>;

  // All channels with the same claims.
  struct Viewer {
    ClaimsRef claims;
    std::vector<ChannelRef> channels; // when the last change happened
    std::uint64_t noted_at = 0;       // the number of that change
    std::vector<ChangeRef> waiting;
    std::vector<ChangeRef> asked; // empty: no query is on its way
    bool queued = false;
  };

  void ask_next();
  void ask(const std::string &claims, Viewer &viewer);
  void answered(const std::string &claims, const CommandResult &result);
  void give_up(Viewer &viewer);
  void deliver(const Viewer &viewer, const std::vector<ChangeRef> &changes);

  Services &services_;
  std::unordered_map<std::string, Viewer> viewers_; // by the text of their claims
  std::deque<std::string> queue_;                   // claims of the viewers that wait for a query
  std::uint64_t changes_ = 0;
  std::size_t waiting_ = 0; // of all viewers together
  unsigned asking_ = 0;
  LoopTimer pause_;
};

} // namespace pg_live
