// SQL of the calls, and the JSON of their parameters.
#include "presence/presence_calls.hpp"

#include "text/json_writer.hpp"

namespace pg_live {

namespace {

constexpr std::string_view kRegister =
    "select live_private.register_node($1::uuid, $2::interval), extract(epoch from live_private.idle_after())::bigint";
constexpr std::string_view kRenew =
    "select live_private.renew_node($1::uuid, $2::interval), extract(epoch from live_private.idle_after())::bigint";
constexpr std::string_view kRetire = "select live_private.retire_node($1::uuid)";
constexpr std::string_view kConnect =
    "select unnest(live_private.connect_users($1::uuid, array_agg(c.id), array_agg(c.user_id), "
    "array_agg(c.device_type))) "
    "from jsonb_to_recordset($2::jsonb) as c (id uuid, user_id text, device_type live.device_type)";
constexpr std::string_view kDisconnect = "select unnest(live_private.disconnect_users($1::uuid[], $2::boolean))";
constexpr std::string_view kHasConnection = "select live_private.has_connection($1::uuid)";
constexpr std::string_view kReportUse =
    "select live_private.report_activity(array_agg((u->>0)::uuid), array_agg((u->>1)::integer)) "
    "from jsonb_array_elements($1::jsonb) as u";
constexpr std::string_view kStoreMembers = "select unnest(live_private.store_channel_presence($1::uuid, $2::jsonb, "
                                           "array(select jsonb_array_elements_text($3::jsonb))))";
constexpr std::string_view kFindRefused = "select r.ref, r.code, r.message, r.hint "
                                          "from live_private.refused_members($1::jsonb) as r";

constexpr std::string_view kEnter =
    "select unnest(live_private.enter_sessions(array_agg((v->>0)::uuid), array_agg((v->>1)::uuid))) "
    "from jsonb_array_elements($1::jsonb) as v";
constexpr std::string_view kExit =
    "select unnest(live_private.exit_sessions(array_agg((v->>0)::uuid), array_agg((v->>1)::uuid))) "
    "from jsonb_array_elements($1::jsonb) as v";

// An array as PostgreSQL writes it.
std::string sql_array_of(const std::vector<Uuid> &ids) {
  std::string text = "{";
  for (const Uuid &id : ids)
    text.append(text.size() > 1 ? "," : "").append(id.text());
  return text.append("}");
}

std::string to_json(const ReportedUse &use) {
  std::string json = "[";
  json::append_element(json, use.connection.text());
  json::append_raw_element(json, std::to_string(use.ago.count()));
  return json.append("]");
}

std::string to_json(const SessionVisit &visit) {
  std::string json = "[";
  json::append_element(json, visit.connection.text());
  json::append_element(json, visit.session.text());
  return json.append("]");
}

std::string to_json(const PresentConnection &connection) {
  std::string json = "{";
  json::append_member(json, "id", connection.id.text());
  json::append_member(json, "user_id", connection.user_id);
  json::append_member(json, "device_type", connection.device_type);
  return json.append("}");
}

std::string to_json(const TrackedMember &member) {
  std::string json = "{";
  json::append_member(json, "ref", member.ref);
  if (!member.previous_ref.empty()) json::append_member(json, "previous_ref", member.previous_ref);
  json::append_member(json, "connection", member.connection.text());
  json::append_member(json, "topic", member.topic);
  json::append_member(json, "key", member.key);
  if (!member.user_id.empty()) json::append_member(json, "user_id", member.user_id);
  json::append_raw_member(json, "is_private", member.is_private ? "true" : "false");
  json::append_raw_member(json, "meta", member.meta);
  return json.append("}");
}

template <typename Items>
std::string array_of(const Items &items) {
  std::string json = "[";
  for (const auto &item : items)
    json::append_raw_element(json, to_json(item));
  return json.append("]");
}

template <typename Key, typename Item, typename Hash>
std::string array_of(const std::unordered_map<Key, Item, Hash> &items) {
  std::string json = "[";
  for (const auto &[key, item] : items)
    json::append_raw_element(json, to_json(item));
  return json.append("]");
}

std::string array_of(const std::vector<std::string> &texts) {
  std::string json = "[";
  for (const std::string &text : texts)
    json::append_element(json, text);
  return json.append("]");
}

} // namespace

PresenceCall call_register_node(const Uuid &node, const std::string &lease) {
  return {kRegister, {node.text(), lease}};
}

PresenceCall call_renew_node(const Uuid &node, const std::string &lease) { return {kRenew, {node.text(), lease}}; }

PresenceCall call_retire_node(const Uuid &node) { return {kRetire, {node.text()}}; }

PresenceCall call_connect(const Uuid &node, const std::unordered_map<Uuid, PresentConnection, UuidHash> &connections) {
  return {kConnect, {node.text(), array_of(connections)}};
}

PresenceCall call_disconnect(const std::vector<Uuid> &connections, Ending ending) {
  return {kDisconnect, {sql_array_of(connections), ending == Ending::closed ? "true" : "false"}};
}

PresenceCall call_store_members(const Uuid &node, const std::unordered_map<std::string, TrackedMember> &tracked,
                                const std::vector<std::string> &untracked) {
  return {kStoreMembers, {node.text(), array_of(tracked), array_of(untracked)}};
}

PresenceCall call_enter(const std::set<SessionVisit> &visits) { return {kEnter, {array_of(visits)}}; }

PresenceCall call_exit(const std::set<SessionVisit> &visits) { return {kExit, {array_of(visits)}}; }

PresenceCall call_refused_members(const std::unordered_map<std::string, TrackedMember> &tracked) {
  return {kFindRefused, {array_of(tracked)}};
}

PresenceCall call_report_use(const std::vector<ReportedUse> &uses) { return {kReportUse, {array_of(uses)}}; }

PresenceCall call_has_connection(const Uuid &connection) { return {kHasConnection, {connection.text()}}; }

} // namespace pg_live
