// The calls by which a node tells the database who is present: SQL with its parameters, in which what has many parts is
// a JSON array.
#pragma once

#include "presence/presence_queue.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pg_live {

struct PresenceCall {
  std::string_view sql;
  std::vector<std::optional<std::string>> parameters;
};

// Both return whether the node is there, and after how many seconds without use a user is idle.
PresenceCall call_register_node(const Uuid &node, const std::string &lease);
PresenceCall call_renew_node(const Uuid &node, const std::string &lease);
PresenceCall call_retire_node(const Uuid &node);

// These return what met a locked row: ids of connections, refs of members, names of visits.
PresenceCall call_connect(const Uuid &node, const std::unordered_map<Uuid, PresentConnection, UuidHash> &connections);
PresenceCall call_disconnect(const std::vector<Uuid> &connections, Ending ending);
PresenceCall call_store_members(const Uuid &node, const std::unordered_map<std::string, TrackedMember> &tracked,
                                const std::vector<std::string> &untracked);
PresenceCall call_enter(const std::set<SessionVisit> &visits);
PresenceCall call_exit(const std::set<SessionVisit> &visits);

// Returns a row for each member that cannot be stored: ref, code, message, hint.
PresenceCall call_refused_members(const std::unordered_map<std::string, TrackedMember> &tracked);

PresenceCall call_report_use(const std::vector<ReportedUse> &uses);

// Returns whether the connection is there.
PresenceCall call_has_connection(const Uuid &connection);

} // namespace pg_live
