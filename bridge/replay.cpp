// Reading the past page by page, as the user.
#include "replay.hpp"

#include "connection.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace pg_live {

namespace {

constexpr int kPageEvents = 200;
constexpr std::int64_t kMostLatest = 1000; // these wait in memory until the last one is known

constexpr std::string_view kReplay = "select r.position, r.event, r.payload::text "
                                     "from live.replay($1, $2, to_timestamp($3::float8 / 1000), $4::integer) as r";

class Replay : public std::enable_shared_from_this<Replay> {
 public:
  Replay(Services &services, Channel &channel, const ReplayRequest &request,
         std::function<void(const std::optional<DatabaseError> &)> started)
      : services_(services), connection_(channel.connection().weak_from_this()), channel_(channel.id()),
        since_(request.since), last_(request.after), started_(std::move(started)) {
    if (request.latest) latest_ = std::clamp<std::int64_t>(*request.latest, 0, kMostLatest);
  }

  void ask(const Channel &channel) {
    Command command;
    command.claims = channel.claims();
    command.sql = kReplay;
    command.parameters = {std::string(channel.topic()), std::nullopt, std::nullopt, std::to_string(kPageEvents)};
    if (last_) command.parameters[1] = format_position(*last_);
    if (since_) command.parameters[2] = std::to_string(*since_);
    command.done = [self = shared_from_this()](const CommandResult &result) { self->take_page(result); };
    services_.database.read(std::move(command));
  }

 private:
  Channel *find(const std::shared_ptr<Connection> &connection) const {
    return connection ? connection->conversation().find(channel_) : nullptr;
  }

  void take_page(const CommandResult &result);
  void take_event(Channel &channel, const Rows &rows, int row);
  void fail(Channel &channel, const DatabaseError &error);
  void finish(Channel &channel);

  Services &services_;
  std::weak_ptr<Connection> connection_;
  ChannelId channel_;
  std::optional<std::int64_t> since_;
  std::optional<std::int64_t> latest_;
  std::optional<Position> last_;
  std::function<void(const std::optional<DatabaseError> &)> started_; // empty once it was called
  std::deque<websocket::Frame> tail_;                                 // of the latest events
};

void Replay::take_page(const CommandResult &result) {
  const auto connection = connection_.lock();
  Channel *channel = find(connection);
  if (channel == nullptr) return;
  if (result.error) return fail(*channel, *result.error);
  if (started_) std::exchange(started_, nullptr)(std::nullopt);
  channel = find(connection); // the answer may have ended it
  if (channel == nullptr) return;
  for (int row = 0; row < result.rows.count(); ++row)
    take_event(*channel, result.rows, row);
  if (result.rows.count() < kPageEvents) return finish(*channel);
  services_.hub.flush();
  connection->when_drained([self = shared_from_this()] {
    const auto still_open = self->connection_.lock();
    if (const Channel *still_joined = self->find(still_open)) self->ask(*still_joined);
  });
}

void Replay::take_event(Channel &channel, const Rows &rows, int row) {
  LiveEvent event;
  event.position = parse_position(rows.text(row, 0)).value_or(Position{});
  event.topic = channel.topic();
  event.event = rows.text(row, 1);
  event.payload = rows.text(row, 2);
  event.durable = true;
  last_ = event.position;
  const websocket::Frame frame = event_frame(event, channel.form(), true);
  if (!latest_) return channel.connection().send_later(frame);
  tail_.push_back(frame);
  if (tail_.size() > static_cast<std::size_t>(*latest_)) tail_.pop_front();
}

void Replay::fail(Channel &channel, const DatabaseError &error) {
  if (started_) {
    std::exchange(started_, nullptr)(error);
    last_.reset(); // nothing was replayed
    const auto connection = connection_.lock();
    if (Channel *still_joined = find(connection)) finish(*still_joined);
    return;
  }
  // In the middle of it: the client joins again, and what it has it knows by position.
  services_.log.warning("a replay broke off", {{"sqlstate", error.sqlstate}, {"error", error.message}});
  channel.send_error("the replay broke off");
  channel.connection().conversation().remove(channel_);
}

void Replay::finish(Channel &channel) {
  for (const websocket::Frame &frame : tail_)
    channel.connection().send_later(frame);
  channel.seam().end_replay(last_, channel.seam_output());
  channel.settle_seam();
  services_.hub.flush();
}

} // namespace

void begin_replay(Services &services, Channel &channel, const ReplayRequest &request,
                  std::function<void(const std::optional<DatabaseError> &)> started) {
  std::make_shared<Replay>(services, channel, request, std::move(started))->ask(channel);
}

} // namespace pg_live
