// Batches of calls, and starting over.
#include "presence.hpp"

#include "json.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMostOfBatch = 1000;
constexpr std::size_t kMostMemberBytes = 512 << 10; // of one batch
constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kLongestPause{5000};
constexpr Milliseconds kLater{1000}; // until somebody who holds a row is asked again
constexpr std::size_t kMostFormerIds = 100;

constexpr std::string_view kRegister = "select live.register_node($1::uuid, $2::interval)";
constexpr std::string_view kRenew = "select live.renew_node($1::uuid, $2::interval)";
constexpr std::string_view kRetire = "select live.retire_node($1::uuid)";
constexpr std::string_view kConnect =
    "select live.connect_users($1::uuid, array_agg(c.id), array_agg(c.user_id), array_agg(c.device_type)) "
    "from jsonb_to_recordset($2::jsonb) as c (id uuid, user_id text, device_type live.device_type)";
constexpr std::string_view kDisconnect = "select unnest(live.disconnect_users($1::uuid[], $2::boolean))";
constexpr std::string_view kActivity = "select live.report_activity($1::uuid[])";
constexpr std::string_view kMembers = "select unnest(live.store_channel_presence($1::uuid, $2::jsonb, "
                                      "array(select jsonb_array_elements_text($3::jsonb))))";

std::string array_of(const std::vector<Uuid> &ids) {
  std::string text = "{";
  for (const Uuid &id : ids)
    text.append(text.size() > 1 ? "," : "").append(id.text());
  return text.append("}");
}

void append_member(std::string &json, std::string_view name, std::string_view text) {
  json.append(json.back() == '{' ? "" : ",").append(1, '"').append(name).append("\":");
  json::append_quoted(json, text);
}

std::string to_json(const PresentConnection &connection) {
  std::string json = "{";
  append_member(json, "id", connection.id.text());
  append_member(json, "user_id", connection.user_id);
  append_member(json, "device_type", connection.device_type);
  return json.append("}");
}

std::string to_json(const TrackedMember &member) {
  std::string json = "{";
  append_member(json, "ref", member.ref);
  if (!member.previous_ref.empty()) append_member(json, "previous_ref", member.previous_ref);
  append_member(json, "connection", member.connection.text());
  append_member(json, "topic", member.topic);
  append_member(json, "key", member.key);
  if (!member.user_id.empty()) append_member(json, "user_id", member.user_id);
  json.append(",\"is_private\":").append(member.is_private ? "true" : "false");
  return json.append(",\"meta\":").append(member.meta).append("}");
}

template <typename Items>
std::string array_of_json(const Items &items) {
  std::string json = "[";
  for (const auto &[key, item] : items)
    json.append(json.size() > 1 ? "," : "").append(to_json(item));
  return json.append("]");
}

std::string array_of_texts(const std::vector<std::string> &texts) {
  std::string json = "[";
  for (const std::string &text : texts) {
    if (json.size() > 1) json.append(",");
    json::append_quoted(json, text);
  }
  return json.append("]");
}

// Whether somebody held what was needed for too long, so that nothing of the command was done.
bool is_about_locks(const DatabaseError &error) {
  return error.sqlstate == "55P03" || error.sqlstate == "57014" || error.sqlstate == "40P01";
}

// Whether it is the fault of what was to be stored: values out of bounds.
bool is_about_values(const DatabaseError &error) {
  return error.sqlstate.starts_with("22") || error.sqlstate.starts_with("54");
}

template <typename Item>
std::vector<Item> take_some(std::vector<Item> &from) {
  const std::size_t count = std::min(from.size(), kMostOfBatch);
  std::vector<Item> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(from.begin() + count));
  from.erase(from.begin(), from.begin() + count);
  return taken;
}

template <typename Map>
Map take_some(Map &from, std::size_t most, std::size_t (*size_of)(const typename Map::mapped_type &)) {
  Map taken;
  std::size_t bytes = 0;
  while (!from.empty() && taken.size() < most && bytes < kMostMemberBytes) {
    bytes += size_of(from.begin()->second);
    taken.insert(from.extract(from.begin()));
  }
  return taken;
}

} // namespace

bool Presence::Batch::empty() const {
  return connects.empty() && closed.empty() && broken.empty() && active.empty() && tracked.empty() && untracked.empty();
}

void Presence::Batch::add(Batch later) {
  connects.merge(later.connects);
  tracked.merge(later.tracked);
  const auto append = [](auto &to, auto &from) { to.insert(to.end(), from.begin(), from.end()); };
  append(closed, later.closed);
  append(broken, later.broken);
  append(untracked, later.untracked);
}

Presence::Presence(Loop &loop, const Log &log, Database &database, unsigned lease_seconds)
    : log_(log), database_(database), lease_(std::to_string(lease_seconds) + " seconds"),
      renew_every_(lease_seconds * 1000 / 3), renew_timer_(loop,
                                                           [this] {
                                                             must_renew_ = true;
                                                             flush();
                                                           }),
      retry_timer_(loop, [this] { flush(); }), later_timer_(loop, [this] {
        pending_.add(std::exchange(later_, {}));
        flush();
      }) {}

void Presence::start(PresenceHolder &holder) {
  holder_ = &holder;
  renew_timer_.start(renew_every_, renew_every_);
  database_.when_own_ready([this] {
    retry_timer_.stop();
    must_renew_ = true; // the server may have been started anew, and all that is UNLOGGED be gone
    flush();
  });
}

void Presence::connect(PresentConnection connection) {
  const Uuid id = connection.id;
  pending_.connects.insert_or_assign(id, std::move(connection));
  flush();
}

// Also of a connection that was not told yet: it may have been told by the node this one was before, or track
// something.
void Presence::disconnect(const Uuid &connection, bool clean) {
  pending_.connects.erase(connection);
  later_.connects.erase(connection);
  (clean ? pending_.closed : pending_.broken).push_back(connection);
  flush();
}

bool Presence::is_telling(const Uuid &connection) const {
  return pending_.connects.contains(connection) || sent_.connects.contains(connection);
}

void Presence::when_told(const Uuid &connection, std::function<void()> then) {
  if (!is_telling(connection) || !database_.own_ready()) return then();
  waiting_.push_back({connection, std::move(then)});
}

void Presence::report_activity(const Uuid &connection) {
  pending_.active.push_back(connection);
  flush();
}

// One call cannot store a member and end it: the one that is replaced need not be stored any more.
void Presence::track(TrackedMember member) {
  forget(member.previous_ref);
  std::string ref = member.ref;
  pending_.tracked.insert_or_assign(std::move(ref), std::move(member));
  flush();
}

void Presence::forget(const std::string &ref) {
  pending_.tracked.erase(ref);
  later_.tracked.erase(ref);
}

void Presence::untrack(const std::string &ref) {
  forget(ref);
  pending_.untracked.push_back(ref);
  flush();
}

void Presence::retire() {
  stopping_ = true;
  renew_timer_.stop();
  retry_timer_.stop();
  later_timer_.stop();
  if (unanswered_ == 0) send_retirement();
}

void Presence::send_retirement() {
  Command command;
  command.sql = kRetire;
  command.parameters = {id_.text()};
  command.done = [this](const CommandResult &) { retired_ = true; };
  if (registered_ && database_.own_ready()) return database_.run_own(std::move(command));
  retired_ = true;
}

void Presence::flush() {
  if (stopping_ || unanswered_ > 0 || retry_timer_.running() || !database_.own_ready()) return;
  if (registered_ && !must_renew_ && former_ids_.empty() && pending_.empty()) return;
  send_batch();
}

Presence::Batch Presence::take_pending() {
  Batch batch;
  batch.closed = take_some(pending_.closed);
  batch.broken = take_some(pending_.broken);
  batch.active = take_some(pending_.active);
  batch.untracked = take_some(pending_.untracked);
  batch.connects = take_some(
      pending_.connects, kMostOfBatch, +[](const PresentConnection &) { return std::size_t{0}; });
  batch.tracked = take_some(
      pending_.tracked, one_by_one_ ? 1 : kMostOfBatch,
      +[](const TrackedMember &member) { return member.meta.size(); });
  return batch;
}

// What ended comes last: whoever tracks something and goes in one batch leaves nothing behind.
void Presence::send_batch() {
  sent_ = take_pending();
  unanswered_ = 1; // this function; the last one to finish finishes the batch
  for (const Uuid &former : former_ids_)
    send(Step::retire, kRetire, {former.text()});
  if (!std::exchange(registered_, true)) {
    send(Step::begin, kRegister, {id_.text(), lease_});
    must_renew_ = false;
  } else if (std::exchange(must_renew_, false)) {
    send(Step::renew, kRenew, {id_.text(), lease_});
  }
  if (!sent_.connects.empty()) send(Step::connect, kConnect, {id_.text(), array_of_json(sent_.connects)});
  if (!sent_.active.empty()) send(Step::activity, kActivity, {array_of(sent_.active)});
  if (!sent_.tracked.empty() || !sent_.untracked.empty())
    send(Step::members, kMembers, {id_.text(), array_of_json(sent_.tracked), array_of_texts(sent_.untracked)});
  if (!sent_.closed.empty()) send(Step::closed, kDisconnect, {array_of(sent_.closed), "true"});
  if (!sent_.broken.empty()) send(Step::broken, kDisconnect, {array_of(sent_.broken), "false"});
  if (--unanswered_ == 0) finish_batch();
}

void Presence::send(Step step, std::string_view sql, std::vector<std::optional<std::string>> parameters) {
  ++unanswered_;
  Command command;
  command.sql = sql;
  command.parameters = std::move(parameters);
  command.done = [this, step](const CommandResult &result) {
    take(step, result);
    if (--unanswered_ == 0) finish_batch();
  };
  database_.run_own(std::move(command));
}

void Presence::take(Step step, const CommandResult &result) {
  if (result.error && is_about_locks(*result.error)) return postpone(step);
  if (step == Step::members && (!result.error || is_about_values(*result.error))) return take_members(result);
  if (result.error) {
    if (!std::exchange(must_start_over_, true))
      log_.warning("could not tell the database who is present",
                   {{"sqlstate", result.error->sqlstate}, {"error", result.error->message}});
    return;
  }
  const bool renewed = result.rows.count() == 1 && result.rows.is_true(0, 0);
  if (step == Step::renew && !renewed) must_start_over_ = true;
  if (step == Step::closed) take_held(sent_.closed, later_.closed, result.rows);
  if (step == Step::broken) take_held(sent_.broken, later_.broken, result.rows);
}

// Nothing of the step was done: all of it comes again.
void Presence::postpone(Step step) {
  Batch again;
  if (step == Step::connect) again.connects.swap(sent_.connects);
  if (step == Step::closed) again.closed.swap(sent_.closed);
  if (step == Step::broken) again.broken.swap(sent_.broken);
  if (step == Step::renew) must_renew_ = true;
  if (step == Step::begin) must_start_over_ = true; // without a node nothing that follows is done either
  if (step == Step::members) {
    again.tracked.swap(sent_.tracked);
    again.untracked.swap(sent_.untracked);
    std::erase_if(again.tracked, [this](const auto &tracked) { return !holder_->holds(tracked.first); });
  }
  later_.add(std::move(again));
  later_timer_.start(kLater);
}

// Of those that ended, the ones that somebody holds.
void Presence::take_held(std::vector<Uuid> &ended, std::vector<Uuid> &later, const Rows &rows) {
  std::unordered_set<std::string_view> held;
  for (int row = 0; row < rows.count(); ++row)
    held.insert(rows.text(row, 0));
  if (held.empty()) return;
  std::copy_if(ended.begin(), ended.end(), std::back_inserter(later),
               [&](const Uuid &id) { return held.contains(id.text()); });
  later_timer_.start(kLater);
}

// Values that the database refuses fail all they were sent with: the members go one by one then, until one is found.
void Presence::take_members(const CommandResult &result) {
  if (result.error) pending_.untracked.insert(pending_.untracked.end(), sent_.untracked.begin(), sent_.untracked.end());
  if (result.error && sent_.tracked.size() > 1) {
    one_by_one_ = true;
    for (auto &[ref, member] : sent_.tracked)
      if (holder_->holds(ref)) pending_.tracked.insert_or_assign(ref, std::move(member));
    return;
  }
  std::unordered_set<std::string_view> held;
  for (int row = 0; !result.error && row < result.rows.count(); ++row)
    held.insert(result.rows.text(row, 0));
  for (auto &[ref, member] : sent_.tracked) {
    if (result.error) {
      holder_->refused(ref, *result.error);
    } else if (!held.contains(ref)) {
      holder_->stored(ref);
    } else if (holder_->holds(ref)) {
      later_.tracked.insert_or_assign(ref, std::move(member));
    }
  }
  if (!held.empty()) later_timer_.start(kLater);
  if (pending_.tracked.empty()) one_by_one_ = false;
}

void Presence::finish_batch() {
  sent_ = {};
  if (stopping_) return send_retirement();
  if (std::exchange(must_start_over_, false)) {
    start_over();
  } else {
    former_ids_.clear();
    failures_ = 0;
  }
  for (Waiting &waiting : std::exchange(waiting_, {}))
    when_told(waiting.connection, std::move(waiting.then));
  flush();
}

void Presence::start_over() {
  if (former_ids_.size() >= kMostFormerIds) former_ids_.erase(former_ids_.begin()); // it ends with its lease
  former_ids_.push_back(std::exchange(id_, Uuid::random()));
  registered_ = false;
  later_ = {};
  pending_ = {}; // whoever ended meanwhile is not held, and what the former node held gets the grace period
  const auto pause = std::min(kFirstPause * (1 << std::min(failures_, 10u)), kLongestPause);
  if (failures_++ > 0) retry_timer_.start(pause); // the first time it is tried at once
  holder_->hold_everything();
}

} // namespace pg_live
