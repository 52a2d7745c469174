// Batches of edits, and what becomes of a batch that fails.
#include "conversation/gathered_edits.hpp"

#include "api/commands.hpp"
#include "base/sqlstate.hpp"
#include "text/json_writer.hpp"

#include <array>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxEditsAtOnce = 64;
constexpr std::size_t kMaxBytesAtOnce = 256 << 10;
constexpr std::size_t kMaxWaitingEdits = 2000; // of one session
constexpr std::size_t kMaxWaitingBytes = 4 << 20;
constexpr unsigned kMaxWaitingOfUser = 200;

constexpr std::string_view kSubmitEach =
    "select answer, code, message, hint from live_private.submit_each($1::uuid, $2::jsonb)";

void append_edit(std::string &array, const Edit &edit) {
  constexpr std::array<std::string_view, 4> kNames = {"base_version", "operations", "client_id", "key"};
  std::string object = "{";
  json::append_member(object, "claims", edit.claims->text);
  json::append_member(object, "role", edit.claims->role);
  const json::Value arguments{json::Kind::object, edit.arguments};
  for (const std::string_view name : kNames)
    if (const auto value = json::member(arguments, name)) json::append_raw_member(object, name, value->raw);
  json::append_raw_element(array, object.append("}"));
}

// Whether the error concerns all edits alike: the outcome is unknown, or another transaction has locked the session,
// for which they would wait again, each on a connection of its own.
bool concerns_all(const DatabaseError &error) {
  return error.sqlstate.starts_with("08") || error.sqlstate == "55P03" || error.sqlstate == "57014";
}

} // namespace

bool GatheredEdits::has_room(const Session &session, const Edit &edit) {
  const auto own = session.waiting_by_user.find(edit.claims->user_id);
  return session.waiting.size() < kMaxWaitingEdits && session.waiting_bytes < kMaxWaitingBytes &&
         (own == session.waiting_by_user.end() || own->second < kMaxWaitingOfUser);
}

void GatheredEdits::submit(const Uuid &session, Edit edit) {
  Session &target = sessions_[session];
  if (!has_room(target, edit))
    return edit.done("", DatabaseError{sqlstate::kConfigurationLimitExceeded,
                                       "too many edits of the session are waiting", "try again later"});
  target.waiting_bytes += edit.arguments.size();
  ++target.waiting_by_user[edit.claims->user_id];
  target.waiting.push_back(std::move(edit));
  if (target.unanswered == 0) send(session);
}

GatheredEdits::Edits GatheredEdits::pop_some(Session &session) const {
  Edits popped;
  std::size_t bytes = 0;
  while (!session.waiting.empty() && popped.size() < kMaxEditsAtOnce && bytes < kMaxBytesAtOnce) {
    Edit edit = std::move(session.waiting.front());
    session.waiting.pop_front();
    session.waiting_bytes -= edit.arguments.size();
    const auto own = session.waiting_by_user.find(edit.claims->user_id);
    if (--own->second == 0) session.waiting_by_user.erase(own);
    if (edit.asker.expired()) continue;
    if (edit.give_up <= loop_.now()) {
      edit.done("", DatabaseError{"53000", "the database is too busy", "try again later"});
      continue;
    }
    bytes += edit.arguments.size();
    popped.push_back(std::move(edit));
  }
  return popped;
}

void GatheredEdits::send(const Uuid &id) {
  Session &session = sessions_.at(id);
  session.unanswered = 1; // this function, so that nothing is sent from within
  Edits edits = pop_some(session);
  if (edits.size() == 1) {
    send_alone(id, std::move(edits.front()));
  } else if (!edits.empty()) {
    send_together(id, std::move(edits));
  }
  if (--session.unanswered > 0) return;
  if (session.waiting.empty()) {
    sessions_.erase(id);
  } else {
    send(id); // all that was popped had been given up
  }
}

void GatheredEdits::send_alone(const Uuid &id, Edit edit) {
  ++sessions_.at(id).unanswered;
  Command command;
  command.claims = edit.claims;
  command.sql = command_of_event(kEditEvent)->sql;
  command.parameters = {std::move(edit.arguments), "session:" + id.text(), std::nullopt};
  command.asker = edit.asker;
  command.give_up = edit.give_up;
  command.done = [this, id, done = std::move(edit.done)](const CommandResult &result) {
    done(result.error ? std::string_view() : result.rows.text(0, 0), result.error);
    answered(id);
  };
  database_.write(std::move(command));
}

void GatheredEdits::send_together(const Uuid &id, Edits edits) {
  ++sessions_.at(id).unanswered;
  std::string array = "[";
  for (const Edit &edit : edits)
    append_edit(array, edit);
  Command command;
  command.sql = kSubmitEach;
  command.parameters = {id.text(), array.append("]")};
  command.share = "edits of " + id.text();
  command.done = [this, id, shared = std::make_shared<Edits>(std::move(edits))](const CommandResult &result) {
    answer_together(id, *shared, result);
    answered(id);
  };
  database_.write(std::move(command));
}

// If the transaction failed, nothing of it was done, and it may be the fault of one edit: they go on alone.
void GatheredEdits::answer_together(const Uuid &id, Edits &edits, const CommandResult &result) {
  for (std::size_t place = 0; place < edits.size(); ++place) {
    Edit &edit = edits[place];
    const int row = static_cast<int>(place);
    if (result.error && concerns_all(*result.error)) {
      edit.done("", result.error);
    } else if (result.error) {
      send_alone(id, std::move(edit));
    } else if (result.rows.is_null(row, 1)) {
      edit.done(result.rows.text(row, 0), std::nullopt);
    } else {
      edit.done("", DatabaseError{std::string(result.rows.text(row, 1)), std::string(result.rows.text(row, 2)),
                                  std::string(result.rows.text(row, 3))});
    }
  }
}

void GatheredEdits::answered(const Uuid &id) {
  Session &session = sessions_.at(id);
  if (--session.unanswered > 0) return;
  if (session.waiting.empty()) {
    sessions_.erase(id);
  } else {
    send(id);
  }
}

} // namespace pg_live
