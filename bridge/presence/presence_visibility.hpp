// Changes of presence under a rule of visibility: each viewer gets those of users whom the database lets the viewer
// see.
//
// Invariants: a viewer is asked about as that viewer, one question at a time, so that the viewer's events stay in order
// and a flood of changes is asked about together. So many questions are on their way and no more; one that the database
// was too busy for is asked again, and a viewer who cannot be asked about, or about whom too much waits, joins again.
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

  // An event on $presence.
  void take(const LiveEvent &event);

 private:
  struct Change {
    Position position;
    std::string event;
    std::string payload;
    std::string user_id;
    bool durable = false;
  };
  using ChangeRef = std::shared_ptr<const Change>;

  // Everybody with the same claims.
  struct Viewer {
    ClaimsRef claims;
    std::vector<std::pair<std::weak_ptr<Client>, ChannelId>> channels; // when the last change happened
    std::uint64_t noted_at = 0;                                        // which change that was
    std::vector<ChangeRef> waiting;
    std::vector<ChangeRef> asked; // empty: no question is on its way
    bool queued = false;
  };

  void ask_next();
  void ask(const std::string &claims, Viewer &viewer);
  void answered(const std::string &claims, const CommandResult &result);
  void give_up(Viewer &viewer);
  void deliver(const Viewer &viewer, const std::vector<ChangeRef> &changes);

  Services &services_;
  std::unordered_map<std::string, Viewer> viewers_; // by the text of their claims
  std::deque<std::string> queue_;                   // claims of those who wait for a question
  std::uint64_t changes_ = 0;
  std::size_t waiting_ = 0; // of all viewers together
  unsigned asking_ = 0;
  LoopTimer pause_;
};

} // namespace pg_live
