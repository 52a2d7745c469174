// Changes of presence under a rule of visibility: each viewer gets those of users whom the database lets the viewer
// see. Invariants: a viewer is asked about as that viewer, one question at a time, so that the viewer's events stay in
// order and a flood of changes is asked about together; whoever cannot be asked about joins again.
#pragma once

#include "live_event.hpp"
#include "services.hpp"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace pg_live {

class Channel;
struct CommandResult;

class PresenceVisibility {
 public:
  explicit PresenceVisibility(Services &services) : services_(services) {}

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
    std::vector<ChangeRef> waiting;
    std::vector<ChangeRef> asked; // empty: no question is on its way
  };

  std::vector<Channel *> channels_of(const std::string &claims) const;
  void ask(const std::string &claims, Viewer &viewer);
  void answered(const std::string &claims, const CommandResult &result);
  void deliver(const std::string &claims, const std::vector<ChangeRef> &changes);

  Services &services_;
  std::unordered_map<std::string, Viewer> viewers_; // by the text of their claims
};

} // namespace pg_live
