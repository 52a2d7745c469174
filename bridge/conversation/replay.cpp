// Reading the past page by page, as the user.
#include "conversation/replay.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace pg_live {

namespace {

constexpr int kPageEvents = 200;
constexpr std::int64_t kMaxLatest = 1000;

constexpr std::string_view kAwaitPublished = "select live_private.await_published($1, $2)";

// The first page of the latest events begins where the database says that those do. A page behind the position of a
// state tells up to which batch it has all there is.
constexpr std::string_view kReplay =
    "select split_part(r.position, '@', 1), r.event, r.payload::text, r.position, state.published_through "
    "from (select case when $2 like '%@%' then live_private.newest_batch() end) as state (published_through) "
    "left join lateral live.replay($1, coalesce($2, case when $5::integer is not null then "
    "live_private.replay_start($1, to_timestamp($3::float8 / 1000), $5) end), "
    "to_timestamp($3::float8 / 1000), $4::integer) as r on true";

class Replay : public std::enable_shared_from_this<Replay> {
 public:
  Replay(Services &services, Channel &channel, const ReplayRequest &request,
         std::function<void(const std::optional<DatabaseError> &)> started)
      : services_(services), channel_(channel.ref()), since_(request.since), after_(request.after),
        resumed_(parse_position(request.after)), started_(std::move(started)) {
    if (request.latest) latest_ = std::clamp<std::int64_t>(*request.latest, 1, kMaxLatest);
  }

  // What a state has seen must not come live, so it has to be published before the channel is live.
  void begin(Channel &channel) {
    if (!is_position_of_state(after_)) return ask(channel);
    Command command = channel.command(kAwaitPublished);
    command.parameters = {std::string(channel.topic()), after_};
    command.done = [self = shared_from_this()](const CommandResult &result) { self->note_awaited(result.error); };
    services_.database.read(std::move(command));
  }

 private:
  void ask(Channel &channel) {
    channel.seam().begin_page();
    Command command = channel.command(kReplay, "replay");
    command.parameters = {std::string(channel.topic()), std::nullopt, std::nullopt, std::to_string(kPageEvents),
                          std::nullopt};
    if (!after_.empty()) command.parameters[1] = after_;
    if (since_) command.parameters[2] = std::to_string(*since_);
    if (latest_) command.parameters[4] = std::to_string(*std::exchange(latest_, std::nullopt));
    command.done = [self = shared_from_this()](CommandResult result) { self->handle_page(std::move(result)); };
    services_.database.read(std::move(command));
  }

  void note_awaited(const std::optional<DatabaseError> &error);
  void handle_page(CommandResult result);
  void go_on();
  void ask_next();
  bool send_page(Channel &channel);
  // Whether a frame belongs to this part; the first one of a part does, whatever its size, since nothing waits then.
  static bool has_room(const Channel &channel, std::size_t sent, const websocket::Frame &frame) {
    return sent == 0 || sent + frame.size() <= channel.client().queue_limit() / 4;
  }
  void when_drained(Client &client, void (Replay::*step)());
  websocket::Frame frame_of(const Channel &channel, int row) const;
  void fail(Channel &channel, const DatabaseError &error);
  void finish();
  void note_published();
  void end(Channel &channel);

  Services &services_;
  ChannelRef channel_;
  std::optional<std::int64_t> since_;
  std::optional<std::int64_t> latest_; // until they are asked for
  std::string after_;                  // the position that the next page follows; empty: the beginning
  std::optional<Position> resumed_;    // the event from which the client resumes
  std::optional<Position> last_; // of the events that were sent, or behind it: no event up to here is to come live
  std::function<void(const std::optional<DatabaseError> &)> started_; // empty once it was called
  Rows page_;
  int next_row_ = 0; // of the page
  int rows_ = 0;     // of the page, those with an event
};

void Replay::note_awaited(const std::optional<DatabaseError> &error) {
  const auto channel = channel_.find();
  if (!channel) return;
  if (error) return fail(*channel, *error);
  ask(*channel);
}

void Replay::handle_page(CommandResult result) {
  const auto channel = channel_.find();
  if (!channel) return;
  if (result.error) return fail(*channel, *result.error);
  page_ = std::move(result.rows);
  next_row_ = 0;
  rows_ = page_.is_null(0, 0) ? 0 : page_.count();
  if (started_) std::exchange(started_, nullptr)(std::nullopt);
  when_drained(channel->client(), &Replay::go_on);
}

// Sends a part that fits the queue well, and waits for the client to read it before the next.
void Replay::go_on() {
  const auto channel = channel_.find();
  if (!channel) return;
  const bool complete = send_page(*channel);
  if (complete && rows_ == kPageEvents) {
    when_drained(channel->client(), &Replay::ask_next);
  } else if (complete) {
    // What came live meanwhile may fill the queue by itself, so it has to be empty.
    when_drained(channel->client(), &Replay::finish);
  } else {
    when_drained(channel->client(), &Replay::go_on);
  }
  services_.hub.flush();
}

void Replay::ask_next() {
  if (const auto channel = channel_.find()) ask(*channel);
}

void Replay::when_drained(Client &client, void (Replay::*step)()) {
  client.when_drained([self = shared_from_this(), step] { (self.get()->*step)(); });
}

websocket::Frame Replay::frame_of(const Channel &channel, int row) const {
  LiveEvent event;
  event.position = parse_position(page_.text(row, 0)).value_or(Position{});
  event.topic = channel.topic();
  event.event = page_.text(row, 1);
  event.payload = page_.text(row, 2);
  event.durable = true;
  return event_frame(event, channel.form(), Delivery::replayed);
}

// Returns whether all of the page is sent.
bool Replay::send_page(Channel &channel) {
  for (std::size_t sent = 0; next_row_ < rows_; ++next_row_) {
    const websocket::Frame frame = frame_of(channel, next_row_);
    if (!has_room(channel, sent, frame)) return false;
    last_ = parse_position(page_.text(next_row_, 0));
    after_ = page_.text(next_row_, 3);
    channel.client().send_later(frame);
    sent += frame.size();
  }
  return true;
}

void Replay::fail(Channel &channel, const DatabaseError &error) {
  if (started_) {
    std::exchange(started_, nullptr)(error);
    resumed_.reset(); // it is not of this history
    last_.reset();
    if (const auto joined = channel_.find()) end(*joined); // else the join has failed, and the channel is gone
    return;
  }
  // In the middle of it: the client joins again, and what it has it knows by position.
  services_.log.warning("a replay broke off", {{"sqlstate", error.sqlstate}, {"error", error.message}});
  channel.send_error("the replay broke off");
  channel.client().channels().remove(channel_.id);
}

// More may have come live meanwhile than could wait: it is in the log by now.
void Replay::finish() {
  const auto channel = channel_.find();
  if (!channel) return;
  if (channel->seam().has_left()) return ask(*channel);
  note_published();
  end(*channel);
}

// What is in the batches up to the one that the last page names was sent, or is seen by the state.
void Replay::note_published() {
  if (page_.is_null(0, 4)) return;
  const Position through{page_.number(0, 4), std::numeric_limits<std::int64_t>::max()};
  if (!last_ || *last_ < through) last_ = through;
}

void Replay::end(Channel &channel) {
  channel.seam().end_replay({resumed_, last_}, services_.hub.delivered(), channel.seam_output());
  channel.settle_seam();
  services_.hub.flush();
}

} // namespace

void begin_replay(Services &services, Channel &channel, const ReplayRequest &request,
                  std::function<void(const std::optional<DatabaseError> &)> started) {
  std::make_shared<Replay>(services, channel, request, std::move(started))->begin(channel);
}

} // namespace pg_live
