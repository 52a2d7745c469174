// The table of commands, and looking things up in it.
#include "api/commands.hpp"

#include "text/json.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace pg_live {

namespace {

// What every command begins with: its parameters have names and types, and all are there whether it uses them or not.
constexpr char kArguments[] =
    "with command (arguments, location, connection) as (values ($1::jsonb, $2::text, $3::uuid))";

// Around what reads a state: the position of the same snapshot is its last column.
constexpr char kStateOf[] = "select state.*, live.position() from (";
constexpr char kWithPosition[] = ") as state";

// Pieces of a command's text, as one text that lives as long as the program.
template <std::size_t... Sizes>
class Sql {
 public:
  consteval explicit Sql(const char (&...pieces)[Sizes]) {
    auto end = text_.begin();
    ((end = std::copy(pieces, pieces + Sizes - 1, end)), ...);
  }
  constexpr operator std::string_view() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, (... + (Sizes - 1))> text_{};
};

// Older apps say which status they want to have instead of the mode.
constexpr Sql kUpdatePresence(kArguments, R"(
  select to_jsonb(live.update_presence(
    mode => coalesce((arguments->>'mode')::live.presence_mode,
      case (arguments->>'status')::live.presence_status
        when 'online' then 'auto' when 'offline' then 'invisible' else arguments->>'status' end::live.presence_mode),
    custom_status => arguments->>'custom_status',
    device_type => (arguments->>'device_type')::live.device_type,
    metadata => nullif(arguments->'metadata', 'null')))
  from command)");

constexpr Sql kSetTyping(kArguments, R"(
  select live_private.set_typing_of_socket(connection,
    location => coalesce(arguments->>'location', location),
    is_typing => coalesce((arguments->>'is_typing')::boolean, true))
  from command)");

constexpr Sql kHeartbeat(kArguments, R"(
  select to_jsonb(live_private.heartbeat_of_socket(connection,
    device_type => coalesce((arguments->>'device_type')::live.device_type, 'other'),
    active => coalesce((arguments->>'active')::boolean, true)))
  from command)");

constexpr Sql kGetPresence(kStateOf, kArguments, R"(
  select to_jsonb(live.get_presence(nullif(arguments->>'user_id', ''))) from command)",
                           kWithPosition);

constexpr Sql kGoOffline(kArguments, R"(
  select case when arguments ? 'connection_id' then live.disconnect((arguments->>'connection_id')::uuid)
              else live.go_offline() end
  from command)");

constexpr Sql kGetOnlineUsers(kStateOf, kArguments, R"(, page as (
    select users.*, page_size
    from command, coalesce((arguments->>'limit')::integer, 100) as page_size,
         live.get_online_users(page_size, arguments->>'cursor',
                               string_to_array(nullif(arguments->>'status', ''), ',')::live.presence_status[])
           with ordinality as users (user_id, status, custom_status, device_type, last_seen_at, cursor, position))
  select jsonb_build_object(
    'users', coalesce(jsonb_agg(to_jsonb(page) - '{cursor,position,page_size}'::text[] order by position), '[]'),
    'next', max(cursor) filter (where position = page_size))
  from page)",
                              kWithPosition);

// Older apps say whether it is public instead of the visibility.
constexpr Sql kLogActivity(kArguments, R"(
  select to_jsonb(activity) - '{is_public,deleted_at}'::text[]
         || jsonb_build_object('cursor', live_private.activity_cursor(activity.created_at, activity.id))
  from command,
       jsonb_to_record(arguments) as said (
         activity_type text, entity_type text, entity_id text, metadata jsonb, visibility live.activity_visibility,
         is_public boolean, session_id uuid, audience text[], idempotency_key text),
       live.log_activity(
         said.activity_type, said.entity_type, said.entity_id, coalesce(said.metadata, '{}'),
         coalesce(said.visibility, case when not said.is_public then 'private'::live.activity_visibility else 'public' end),
         said.session_id, said.audience, said.idempotency_key) as activity)");

constexpr Sql kDeleteActivity(kArguments, R"(
  select live.delete_activity((arguments->>'id')::bigint) from command)");

constexpr Sql kMarkSeen(kArguments, R"(
  select live.mark_seen((arguments->>'up_to')::bigint) from command)");

constexpr Sql kMarkRead(kArguments, R"(
  select live.mark_read(ids) from command, jsonb_to_record(arguments) as said (ids bigint[]))");

constexpr Sql kFollow(kArguments, " select live.follow(arguments->>'user_id') from command");

constexpr Sql kUnfollow(kArguments, " select live.unfollow(arguments->>'user_id') from command");

// A page: kPage, what gives its rows, kRows, and what is returned of them. A page that is full has a next one; before
// one that was asked for by a cursor there may be another.
constexpr char kPage[] = R"(, page as (
    select feed.*, page_size, arguments ? 'cursor' as has_previous from command,)";
constexpr char kRows[] = R"( with ordinality as feed), result as (
    select coalesce(jsonb_agg(to_jsonb(page) - '{ordinality,page_size,has_previous}'::text[] order by ordinality), '[]') as rows,
           max(cursor) filter (where ordinality = page_size) as next,
           max(cursor) filter (where ordinality = 1 and has_previous) as previous
    from page))";

constexpr Sql kGetFeed(kStateOf, kArguments, kPage, R"(
    coalesce((arguments->>'limit')::integer, 50) as page_size, live.get_feed_activities(
      page_size, arguments->>'cursor', string_to_array(nullif(arguments->>'type', ''), ','),
      coalesce(arguments->>'actor', arguments->>'user_id'), arguments->>'entity_type', arguments->>'entity_id',
      (arguments->>'session_id')::uuid, (arguments->>'since')::timestamptz, (arguments->>'until')::timestamptz,
      (arguments->>'metadata')::jsonb,
      case arguments->>'direction' when 'forwards' then 'false' when 'backwards' then 'true'
        else arguments->>'direction' end::boolean))",
                       kRows, R"(
  select jsonb_build_object('activities', rows, 'next', next), next, previous from result)",
                       kWithPosition);

constexpr Sql kGetHomeFeed(kStateOf, kArguments, kPage, R"(
    coalesce((arguments->>'limit')::integer, 50) as page_size, live.get_home_feed(
      page_size, arguments->>'cursor', string_to_array(nullif(arguments->>'type', ''), ',')))",
                           kRows, R"(
  select jsonb_build_object('activities', rows, 'next', next), next, null from result)",
                           kWithPosition);

constexpr Sql kGetNotifications(kStateOf, kArguments, kPage, R"(
    coalesce((arguments->>'limit')::integer, 50) as page_size, live.get_notifications(page_size, arguments->>'cursor'))",
                                kRows, R"(
  select jsonb_build_object('activities', rows, 'next', next, 'unread', live.unread_count()), next, null from result)",
                                kWithPosition);

constexpr Sql kGetFeedGroups(kStateOf, kArguments, kPage, R"(
    coalesce((arguments->>'limit')::integer, 20) as page_size, live.get_feed_groups(
      page_size, arguments->>'cursor', coalesce(arguments->>'grouping', 'verb-entity-day')))",
                             kRows, R"(
  select jsonb_build_object('groups', rows, 'next', next), next, null from result)",
                             kWithPosition);

constexpr Sql kGetTrending(kStateOf, kArguments, R"(
  select jsonb_build_object('entities', coalesce(jsonb_agg(to_jsonb(entity) - 'ordinality' order by ordinality), '[]'))
  from command, live.get_trending(arguments->>'entity_type', coalesce((arguments->>'limit')::integer, 20))
    with ordinality as entity)",
                           kWithPosition);

// A session is that of the channel session:<id> unless the arguments name one.
constexpr char kSession[] = "coalesce(arguments->>'session_id', substring(location from '^session:(.*)$'))::uuid";

constexpr Sql kJoinSession(kArguments, R"(
  select live_private.joined_session(
    arguments->>'room_name',
    case when arguments ? 'room_name' then (arguments->>'session_id')::uuid else )",
                           kSession, R"( end,
    coalesce((arguments->>'create_if_missing')::boolean, false), connection)
  from command)");

constexpr Sql kSessionState("select state, state->>'position' from live.get_session($1::uuid) as state");

constexpr Sql kGetSession(kArguments, " select state, state->>'position' from command, live.get_session(", kSession,
                          ") as state");

constexpr Sql kLeaveSession(kArguments, " select live.leave_session(", kSession, ") from command");

constexpr Sql kSubmitOperations(kArguments, " select live.submit_operations(", kSession, R"(,
    (arguments->>'base_version')::bigint, arguments->'operations', arguments->>'client_id', arguments->>'key')
  from command)");

constexpr Sql kMoveCursor(kArguments, " select live.move_cursor(", kSession, ", arguments->'cursor') from command");

constexpr Sql kSaveSnapshot(kArguments, " select live.save_snapshot(", kSession, R"(,
    (arguments->>'version')::bigint, decode(arguments->>'snapshot', 'base64'))
  from command)");

constexpr Sql kGetOperations(kStateOf, kArguments, ", wanted as (select ", kSession, R"( as session_id from command)
  select jsonb_build_object(
    'head', (select s.head from live.collaboration_sessions s where s.id = (select session_id from wanted)),
    'operations', coalesce(jsonb_agg(to_jsonb(logged) order by version), '[]'))
  from command, wanted, live.get_operations(session_id, coalesce((arguments->>'after_version')::bigint, 0),
    coalesce((arguments->>'limit')::integer, 1000)) as logged)",
                             kWithPosition);

constexpr Sql kGetDocument(kStateOf, kArguments, ", wanted as (select ", kSession, R"( as session_id from command)
  select jsonb_build_object(
    'session_id', session_id,
    'version', coalesce((arguments->>'version')::bigint, (select s.head from live.collaboration_sessions s where s.id = session_id)),
    'document', live.get_document(session_id, (arguments->>'version')::bigint))
  from command, wanted)",
                           kWithPosition);

constexpr Sql kGetSessions(kStateOf, kArguments, kPage, R"(
    coalesce((arguments->>'limit')::integer, 50) as page_size, live.get_sessions(
      page_size, arguments->>'cursor', coalesce((arguments->>'mine')::boolean, true)))",
                           kRows, R"(
  select jsonb_build_object('sessions', rows, 'next', next), next, null from result)",
                           kWithPosition);

constexpr Parameter text(std::string_view name) { return {name, ArgumentKind::text}; }
constexpr Parameter texts(std::string_view name) { return {name, ArgumentKind::texts}; }
constexpr Parameter other(std::string_view name) { return {name, ArgumentKind::other}; }
constexpr Parameter narrowing(std::string_view name) { return {name, ArgumentKind::other, ArgumentEffect::narrows}; }

constexpr std::array kUser = {text("user_id")};
constexpr std::array kConnection = {narrowing("connection_id")};
constexpr std::array kActivity = {narrowing("id")};
constexpr std::array kUpTo = {narrowing("up_to")};
constexpr std::array kIds = {narrowing("ids")};
constexpr std::array kShownPresence = {other("mode"), other("status"), text("custom_status"), other("device_type"),
                                       other("metadata")};
constexpr std::array kTyping = {text("location"), other("is_typing")};
constexpr std::array kSignOfLife = {other("device_type"), other("active")};
constexpr std::array kPageOfUsers = {other("limit"), text("cursor"), text("status")};
// Apps name the user too, which changes nothing: an activity is of who is signed in.
constexpr std::array kNewActivity = {
    text("activity_type"),  text("entity_type"), text("entity_id"), other("metadata"),       narrowing("visibility"),
    narrowing("is_public"), other("session_id"), texts("audience"), text("idempotency_key"), other("user_id")};
constexpr std::array kPageOfFeed = {other("limit"),      text("cursor"),    text("type"),        text("actor"),
                                    text("user_id"),     other("metadata"), text("entity_type"), text("entity_id"),
                                    other("session_id"), other("since"),    other("until"),      other("direction")};
constexpr std::array kPageOfTypes = {other("limit"), text("cursor"), text("type")};
constexpr std::array kPageOfAll = {other("limit"), text("cursor")};
constexpr std::array kPageOfGroups = {other("limit"), text("cursor"), text("grouping")};
constexpr std::array kTrending = {text("entity_type"), other("limit")};

constexpr std::array kJoined = {text("room_name"), other("session_id"), other("create_if_missing")};
constexpr std::array kOfSession = {other("session_id")};
constexpr std::array kSubmission = {other("session_id"), other("base_version"), other("operations"), text("client_id"),
                                    text("key")};
constexpr std::array kMove = {other("session_id"), other("cursor"), text("client_id")};
constexpr std::array kSnapshot = {other("session_id"), other("version"), text("snapshot")};
constexpr std::array kPageOfOperations = {other("session_id"), other("after_version"), other("limit")};
constexpr std::array kVersion = {other("session_id"), other("version")};
constexpr std::array kPageOfSessions = {other("limit"), text("cursor"), other("mine")};

constexpr auto kCommands = std::to_array<CommandEntry>({
    {kPresenceEvent, "PATCH", "/api/presence", "changes how the user is shown to others", kUpdatePresence,
     kShownPresence},
    {kTypingEvent, "", "", "", kSetTyping, kTyping},
    {kHeartbeatEvent, "", "", "", kHeartbeat, kSignOfLife},
    {"", "GET", "/api/presence", "tells the presence of a user, or one's own", kGetPresence, kUser, CommandKind::read},
    {"", "DELETE", "/api/presence", "ends one connection of the user, or all of them", kGoOffline, kConnection},
    {"", "GET", "/api/presence/online", "lists the users who are there, in pages", kGetOnlineUsers, kPageOfUsers,
     CommandKind::read},
    {"activity:new", "POST", "/api/activity", "logs an activity of the user", kLogActivity, kNewActivity,
     CommandKind::create},
    {"activity:delete", "DELETE", "/api/activity", "takes an activity of the user away", kDeleteActivity, kActivity},
    {"activity:seen", "POST", "/api/activity/seen", "marks notifications up to one as seen", kMarkSeen, kUpTo},
    {"activity:read", "POST", "/api/activity/read", "marks notifications as read", kMarkRead, kIds},
    {"follow", "POST", "/api/follow", "follows a user", kFollow, kUser},
    {"unfollow", "DELETE", "/api/follow", "follows a user no longer", kUnfollow, kUser},
    {"", "GET", "/api/activity", "lists activities that the user may see, newest first, in pages", kGetFeed,
     kPageOfFeed, CommandKind::page},
    {"", "GET", "/api/activity/home", "lists activities of those whom the user follows, in pages", kGetHomeFeed,
     kPageOfTypes, CommandKind::page},
    {"", "GET", "/api/activity/notifications", "lists activities addressed to the user, in pages", kGetNotifications,
     kPageOfAll, CommandKind::page},
    {"", "GET", "/api/activity/groups", "sums activities up by what and where, in pages", kGetFeedGroups, kPageOfGroups,
     CommandKind::page},
    {"", "GET", "/api/activity/trending", "lists the entities with most activity", kGetTrending, kTrending,
     CommandKind::read},
    {"collab:join", "POST", "/api/collaboration/join", "takes part in a session, and gets its state", kJoinSession,
     kJoined, CommandKind::write, kSessionState},
    {"collab:leave", "POST", "/api/collaboration/leave", "ends the participation in a session", kLeaveSession,
     kOfSession},
    {kEditEvent, "POST", "/api/collaboration/edit", "submits operations to a session", kSubmitOperations, kSubmission},
    {kCursorEvent, "", "", "", kMoveCursor, kMove},
    {"collab:snapshot", "POST", "/api/collaboration/snapshot", "keeps a snapshot of a session", kSaveSnapshot,
     kSnapshot},
    {"collab:operations", "GET", "/api/collaboration/operations", "lists operations of a session after a version",
     kGetOperations, kPageOfOperations, CommandKind::read},
    {"", "GET", "/api/collaboration/session", "tells the state of a session", kGetSession, kOfSession,
     CommandKind::read},
    {"", "GET", "/api/collaboration/document", "tells the document of a session at a version", kGetDocument, kVersion,
     CommandKind::read},
    {"", "GET", "/api/collaboration/sessions", "lists sessions, in pages", kGetSessions, kPageOfSessions,
     CommandKind::page},
});

std::string_view without_path_prefix(std::string_view path) {
  constexpr std::string_view kPrefix = "/realtime/v1";
  return path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : path;
}

template <typename Wanted>
const CommandEntry *find_command(Wanted wanted) {
  const auto *found = std::find_if(kCommands.begin(), kCommands.end(), wanted);
  return found == kCommands.end() ? nullptr : found;
}

} // namespace

std::span<const CommandEntry> commands() { return kCommands; }

const CommandEntry *command_of_event(std::string_view event) {
  return find_command([&](const CommandEntry &entry) { return !entry.event.empty() && entry.event == event; });
}

const CommandEntry *command_of_request(std::string_view method, std::string_view path) {
  const std::string_view known_path = without_path_prefix(path);
  const std::string_view known_method = method == "HEAD" ? "GET" : method;
  return find_command([&](const CommandEntry &entry) {
    return !entry.method.empty() && entry.method == known_method && entry.path == known_path;
  });
}

std::string methods_of_path(std::string_view path) {
  std::string methods;
  for (const std::string_view method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
    if (command_of_request(method, path) != nullptr) methods.append(method).append(", ");
  return methods.empty() ? methods : methods.append("OPTIONS");
}

std::optional<std::string_view> arguments_of_push(std::string_view event, std::string_view payload) {
  const auto whole = json::parse(payload);
  if (!whole || whole->kind != json::Kind::object) return std::nullopt;
  const auto inner = json::member(*whole, "payload");
  if (!inner || inner->kind != json::Kind::object) return whole->raw;
  const auto type = json::member(*whole, "type");
  const bool is_wrapped = type && type->kind == json::Kind::string && json::equals(type->raw, event);
  return is_wrapped ? inner->raw : whole->raw;
}

} // namespace pg_live
