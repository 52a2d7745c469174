// Batches of cursors.
#include "conversation/gathered_cursors.hpp"

#include "base/sqlstate.hpp"
#include "text/json_writer.hpp"

#include <iterator>
#include <memory>
#include <unordered_set>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kMaxMovesAtOnce = 500;
constexpr std::size_t kMaxAnswers = 100; // of one connection, unanswered
constexpr unsigned kMaxAttempts = 100;

constexpr std::string_view kMoveCursors = "select unnest(live_private.move_cursors($1::uuid, $2::jsonb))";

void append_move(std::string &array, const CursorMove &move) {
  std::string object = "{";
  json::append_member(object, "connection_id", move.connection.text());
  json::append_member(object, "client_id", move.client_id);
  json::append_raw_member(object, "cursor", move.cursor);
  json::append_raw_element(array, object.append("}"));
}

void answer(CursorMove &move, const std::optional<DatabaseError> &error) {
  for (const auto &each : std::exchange(move.answers, {}))
    each(error);
}

} // namespace

GatheredCursors::GatheredCursors(Loop &loop, Database &database, Milliseconds interval)
    : database_(database), interval_(interval), timer_(loop, [this] { flush(); }) {}

void GatheredCursors::move(const Uuid &session, CursorMove move) {
  const auto [place, is_new] = sessions_[session].waiting.try_emplace(move.connection);
  CursorMove &waiting = place->second;
  if (waiting.answers.size() >= kMaxAnswers)
    return answer(
        move, DatabaseError{sqlstate::kConfigurationLimitExceeded, "too many cursors are waiting", "try again later"});
  waiting.answers.insert(waiting.answers.end(), std::make_move_iterator(move.answers.begin()),
                         std::make_move_iterator(move.answers.end()));
  move.answers = std::move(waiting.answers);
  waiting = std::move(move);
  flush_later();
}

void GatheredCursors::flush_later() {
  if (!timer_.running()) timer_.start(interval_);
}

void GatheredCursors::flush() {
  for (auto &[id, session] : sessions_) {
    if (session.unanswered > 0 || session.waiting.empty()) continue;
    Moves moves;
    while (!session.waiting.empty() && moves.size() < kMaxMovesAtOnce) {
      CursorMove move = std::move(session.waiting.extract(session.waiting.begin()).mapped());
      if (move.channel.find()) moves.push_back(std::move(move));
    }
    if (!moves.empty()) send(id, std::move(moves));
  }
  std::erase_if(sessions_, [](const auto &each) { return each.second.waiting.empty() && each.second.unanswered == 0; });
}

void GatheredCursors::send(const Uuid &id, Moves moves) {
  ++sessions_.at(id).unanswered;
  std::string array = "[";
  for (const CursorMove &move : moves)
    append_move(array, move);
  Command command;
  command.sql = kMoveCursors;
  command.name = "gathered cursors";
  command.parameters = {id.text(), array.append("]")};
  command.share = "cursors of " + id.text();
  command.done = [this, id, shared = std::make_shared<Moves>(std::move(moves))](const CommandResult &result) {
    handle(id, *shared, result);
    Session &session = sessions_.at(id);
    --session.unanswered;
    if (session.waiting.empty() && session.unanswered == 0) {
      sessions_.erase(id);
    } else {
      flush_later();
    }
  };
  database_.write(std::move(command));
}

void GatheredCursors::handle(const Uuid &id, Moves &moves, const CommandResult &result) {
  if (result.error && moves.size() > 1) { // perhaps the fault of one
    for (CursorMove &move : moves) {
      Moves alone;
      alone.push_back(std::move(move));
      send(id, std::move(alone));
    }
    return;
  }
  std::unordered_set<std::string_view> moved;
  for (int row = 0; !result.error && row < result.rows.count(); ++row)
    moved.insert(result.rows.text(row, 0));
  for (CursorMove &move : moves) {
    if (result.error || moved.contains(move.connection.text())) {
      answer(move, result.error);
    } else {
      repeat(sessions_.at(id), std::move(move));
    }
  }
}

// The connection joined the channel a moment ago, and the database does not know it yet.
void GatheredCursors::repeat(Session &session, CursorMove move) {
  if (++move.attempts >= kMaxAttempts)
    return answer(move, DatabaseError{"55000", "the user of the connection is not in the session", ""});
  const auto [place, is_new] = session.waiting.try_emplace(move.connection);
  CursorMove &waiting = place->second;
  if (is_new) {
    waiting = std::move(move);
    return;
  }
  waiting.attempts = move.attempts;
  waiting.answers.insert(waiting.answers.begin(), std::make_move_iterator(move.answers.begin()),
                         std::make_move_iterator(move.answers.end()));
}

} // namespace pg_live
