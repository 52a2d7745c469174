// Batches of edits, and what becomes of a batch that fails.
#include "conversation/gathered_edits.hpp"

#include "api/commands.hpp"
#include "base/sqlstate.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxEditsAtOnce = 64; // each is a subtransaction, and PostgreSQL keeps that many at hand
constexpr std::size_t kMaxBytesAtOnce = 256 << 10;
constexpr std::size_t kMaxOfSessionAtOnce = 16; // while other sessions wait
constexpr std::size_t kMaxWaitingEdits = 2000;  // of one session
constexpr std::size_t kMaxWaitingBytes = 4 << 20;
constexpr unsigned kMaxWaitingOfUser = 200;

const DatabaseError kTooBusy{"53000", "the database is too busy", "try again later"};

constexpr std::string_view kSubmitEach =
    "select answer, code, message, hint from live_private.submit_each($1::uuid[], $2::text[], $3::boolean)";

// What live_private.submit_each() reads of the edit.
std::string object_of(const Edit &edit) {
  constexpr std::array<std::string_view, 4> kNames = {"base_version", "operations", "client_id", "key"};
  std::string object = "{";
  json::append_member(object, "claims", edit.claims->text);
  json::append_member(object, "role", edit.claims->role);
  const json::Value arguments{json::Kind::object, edit.arguments};
  for (const std::string_view name : kNames)
    if (const auto value = json::member(arguments, name)) json::append_raw_member(object, name, value->raw);
  return object.append("}");
}

// Appends an element to the text of an array of PostgreSQL: a quoted one, in which quotes and backslashes are escaped.
void append_to_array(std::string &array, std::string_view element) {
  if (array.back() != '{') array += ',';
  array += '"';
  for (const char each : element) {
    if (each == '"' || each == '\\') array += '\\';
    array += each;
  }
  array += '"';
}

// Whether the error concerns all edits of a session alike: the outcome is unknown, or another transaction has locked
// the session, for which they would wait again, each on a connection of its own.
bool concerns_all(const DatabaseError &error) {
  return error.sqlstate.starts_with("08") || error.sqlstate == sqlstate::kLockNotAvailable || error.sqlstate == "57014";
}

} // namespace

bool GatheredEdits::has_room(const Session &session, const Edit &edit) {
  const auto own = session.waiting_by_user.find(edit.claims->user_id);
  return session.waiting.size() < kMaxWaitingEdits && session.waiting_bytes < kMaxWaitingBytes &&
         (own == session.waiting_by_user.end() || own->second < kMaxWaitingOfUser);
}

void GatheredEdits::submit(const Uuid &id, Edit edit) {
  Session &session = sessions_[id];
  if (!has_room(session, edit))
    return edit.done("", DatabaseError{sqlstate::kConfigurationLimitExceeded,
                                       "too many edits of the session are waiting", "try again later"});
  session.waiting_bytes += edit.arguments.size();
  ++session.waiting_by_user[edit.claims->user_id];
  session.waiting.push_back(std::move(edit));
  if (session.unanswered == 0 && session.waiting.size() == 1) ready_.push_back(id);
  send_waiting();
}

void GatheredEdits::pop_into(Batch &batch, std::size_t &bytes, const Uuid &id) {
  Session &session = sessions_.at(id);
  const std::size_t room =
      std::min(ready_.empty() ? kMaxEditsAtOnce : kMaxOfSessionAtOnce, kMaxEditsAtOnce - batch.size());
  while (!session.waiting.empty() && session.unanswered < room && bytes < kMaxBytesAtOnce) {
    Edit edit = std::move(session.waiting.front());
    session.waiting.pop_front();
    session.waiting_bytes -= edit.arguments.size();
    const auto own = session.waiting_by_user.find(edit.claims->user_id);
    if (--own->second == 0) session.waiting_by_user.erase(own);
    if (edit.asker.expired()) continue;
    if (edit.give_up <= loop_.now()) {
      edit.done("", kTooBusy);
      continue;
    }
    bytes += edit.arguments.size();
    ++session.unanswered;
    batch.push_back({id, std::move(edit)});
  }
  if (session.unanswered == 0) sessions_.erase(id); // all that waited had been given up
}

GatheredEdits::Batch GatheredEdits::pop_batch() {
  Batch batch;
  std::size_t bytes = 0;
  while (!ready_.empty() && batch.size() < kMaxEditsAtOnce && bytes < kMaxBytesAtOnce) {
    const Uuid id = ready_.front();
    ready_.pop_front();
    pop_into(batch, bytes, id);
  }
  return batch;
}

void GatheredEdits::send_waiting() {
  while (!retries_.empty() && retried_.commands < retried_.max_commands) {
    Batch batch = std::move(retries_.front());
    retries_.pop_front();
    for (SessionEdit &late : extract_late(batch))
      answer(late, "", kTooBusy);
    if (!batch.empty()) send(retried_, std::move(batch));
  }
  // After that, since answering late edits lets others of their sessions go on.
  while (!ready_.empty() && gathered_.commands < gathered_.max_commands)
    if (Batch batch = pop_batch(); !batch.empty()) send(gathered_, std::move(batch));
}

GatheredEdits::Batch GatheredEdits::extract_late(Batch &batch) const {
  const auto late = std::stable_partition(batch.begin(), batch.end(),
                                          [now = loop_.now()](const auto &each) { return each.edit.give_up > now; });
  Batch extracted(std::make_move_iterator(late), std::make_move_iterator(batch.end()));
  batch.erase(late, batch.end());
  return extracted;
}

// No command waits for another one: each has a share of its own.
void GatheredEdits::send(Kind &kind, Batch batch) {
  std::string sessions = "{";
  std::string edits = "{";
  for (const SessionEdit &each : batch) {
    append_to_array(sessions, each.session.text());
    append_to_array(edits, object_of(each.edit));
  }
  Command command;
  command.sql = kSubmitEach;
  command.name = "gathered edits";
  command.parameters = {sessions.append("}"), edits.append("}"), kind.locking == Locking::skip ? "true" : "false"};
  command.share = "edits " + std::to_string(++sent_);
  ++kind.commands;
  command.done = [this, &kind, shared = std::make_shared<Batch>(std::move(batch))](const CommandResult &result) {
    --kind.commands;
    handle(kind.locking, *shared, result);
    send_waiting();
  };
  database_.write(std::move(command));
}

void GatheredEdits::send_alone(SessionEdit each) {
  Command command;
  command.claims = each.edit.claims;
  command.sql = command_of_event(kEditEvent)->sql;
  command.name = kEditEvent;
  command.parameters = {each.edit.arguments, "session:" + each.session.text(), std::nullopt};
  command.asker = each.edit.asker;
  command.give_up = each.edit.give_up;
  command.done = [this, shared = std::make_shared<SessionEdit>(std::move(each))](const CommandResult &result) {
    answer(*shared, result.error ? std::string_view() : result.rows.text(0, 0), result.error);
    send_waiting();
  };
  database_.write(std::move(command));
}

void GatheredEdits::handle(Locking locking, Batch &batch, const CommandResult &result) {
  if (result.error) return handle_failure(locking, batch, *result.error);
  Batch locked;
  for (std::size_t place = 0; place < batch.size(); ++place) {
    const int row = static_cast<int>(place);
    if (result.rows.is_null(row, 1)) {
      answer(batch[place], result.rows.text(row, 0), std::nullopt);
    } else if (result.rows.text(row, 1) == sqlstate::kLockNotAvailable) {
      locked.push_back(std::move(batch[place]));
    } else {
      answer(batch[place], "",
             DatabaseError{std::string(result.rows.text(row, 1)), std::string(result.rows.text(row, 2)),
                           std::string(result.rows.text(row, 3))});
    }
  }
  retry(std::move(locked));
}

// Nothing of the batch was done, unless that is unknown. It may be the fault of one session, and in a session of one
// edit.
void GatheredEdits::handle_failure(Locking locking, Batch &batch, const DatabaseError &error) {
  const bool is_unknown = error.sqlstate.starts_with("08");
  if (locking == Locking::skip && !is_unknown) return retry(std::move(batch));
  for (SessionEdit &each : batch) {
    if (concerns_all(error)) {
      answer(each, "", error);
    } else {
      send_alone(std::move(each));
    }
  }
}

// The edits of a session stand together in a batch.
void GatheredEdits::retry(Batch batch) {
  for (auto begin = batch.begin(); begin != batch.end();) {
    const auto end = std::find_if(begin, batch.end(), [&](const auto &each) { return each.session != begin->session; });
    retries_.emplace_back(std::make_move_iterator(begin), std::make_move_iterator(end));
    begin = end;
  }
}

void GatheredEdits::answer(SessionEdit &each, std::string_view response, const std::optional<DatabaseError> &error) {
  each.edit.done(response, error);
  const auto found = sessions_.find(each.session);
  Session &session = found->second;
  if (--session.unanswered > 0) return;
  if (session.waiting.empty()) {
    sessions_.erase(found);
  } else {
    ready_.push_back(each.session);
  }
}

} // namespace pg_live
