// The steps of a join. Each looks its channel up again, since it may have ended.
#include "conversation/join.hpp"

#include "base/sqlstate.hpp"
#include "conversation/replay.hpp"
#include "text/json_writer.hpp"

namespace pg_live {

namespace {

constexpr unsigned kMaxQuestions = 5;

class Join : public std::enable_shared_from_this<Join> {
 public:
  Join(ConversationServices &services, Channel &channel, const JoinOptions &options, std::string ref)
      : services_(services), channel_(channel.ref()), ref_(std::move(ref)), resume_(options.resume),
        response_(options.response), presence_key_(options.presence_key), presence_enabled_(options.presence_enabled),
        gave_token_(options.access_token.has_value()), wants_replay_(options.wants_replay),
        asks_when_ready_(options.asks_when_ready) {
    if (!resume_.empty()) {
      if (may_be_position(resume_)) request_.after = resume_;
    } else if (options.wants_replay) {
      request_.since = options.replay_since.value_or(0);
      request_.latest = options.replay_limit;
    }
  }

  void ask(const Channel &channel) {
    revocations_ = revocations(channel);
    const Limiting limiting = questions_++ == 0 ? Limiting::applies : Limiting::was_applied;
    services_.access.ask(channel.claims(), channel.client().allowance().address_key(), channel.topic(), limiting,
                         [self = shared_from_this()](TopicAccess access, const std::optional<DatabaseError> &error) {
                           self->answered(access, error);
                         });
  }

 private:
  RevocationMark revocations(const Channel &channel) const {
    return services_.hub.revocations(channel.topic(), channel.claims()->user_id);
  }
  void answered(TopicAccess access, const std::optional<DatabaseError> &error);
  void catch_up(Channel &channel);
  void caught_up(const std::optional<DatabaseError> &error);
  void succeed(Channel &channel, std::string_view resumed);
  void fail(std::string_view reason, std::string_view sqlstate);
  void fail(const DatabaseError &error);

  ConversationServices &services_;
  ChannelRef channel_;
  std::string ref_;
  std::string resume_; // as asked for; empty: not
  std::string response_;
  std::string presence_key_;
  ReplayRequest request_;
  RevocationMark revocations_;
  unsigned questions_ = 0;
  bool presence_enabled_;
  bool gave_token_;
  bool wants_replay_;
  bool asks_when_ready_;
};

void Join::answered(TopicAccess access, const std::optional<DatabaseError> &error) {
  const auto channel = channel_.find();
  if (!channel) return;
  if (error) return fail(*error);
  if (const auto fault = services_.access.fault_of(*channel->claims()))
    return fail(std::string("InvalidJWTToken: ").append(*fault), sqlstate::kInvalidAuthorization);
  if (revocations_.has_changed(revocations(*channel))) {
    if (questions_ < kMaxQuestions) return ask(*channel);
    return fail("access to the topic keeps changing: try again", "40001");
  }
  const bool is_room = channel->is_for_room(services_.settings, access);
  if (!access.can_receive && !is_room)
    return fail(std::string("Unauthorized: You do not have permissions to read from this Channel topic: ")
                    .append(channel->topic()),
                sqlstate::kInsufficientPrivilege);
  channel->set_access(access);
  if (is_room) {
    if (wants_replay_)
      return fail("UnableToReplayMessages: Replay is not allowed for public channels",
                  sqlstate::kInvalidParameterValue);
    channel->enter_room();
    return succeed(*channel, "");
  }
  if (!request_.after.empty() || request_.since) return catch_up(*channel);
  channel->follow_topic();
  succeed(*channel, resume_.empty() ? "" : "lost"); // not a position
}

void Join::catch_up(Channel &channel) {
  channel.seam().begin_replay();
  channel.follow_topic();
  begin_replay(services_, channel, request_,
               [self = shared_from_this()](const std::optional<DatabaseError> &error) { self->caught_up(error); });
}

// The first page, or an error, has arrived.
void Join::caught_up(const std::optional<DatabaseError> &error) {
  const auto channel = channel_.find();
  if (!channel) return;
  if (!error) return succeed(*channel, resume_.empty() ? "" : "ok");
  const bool lost = error->sqlstate == "55000" || error->sqlstate == "22023"; // no longer kept; never existed
  if (!lost) return fail(*error);
  succeed(*channel, "lost");
}

void Join::succeed(Channel &channel, std::string_view resumed) {
  services_.joins.note("ok");
  channel.set_joined();
  if (!resumed.empty()) response_ = json::with_member(response_, "resume", resumed);
  channel.reply(ref_, Status::ok, response_);
  if (gave_token_) channel.client().speak_for(channel.claims());
  if (!channel.in_room()) services_.session_presence.join(channel);
  if (presence_enabled_ || !presence_key_.empty()) services_.channel_presence.join(channel, presence_key_);
  if (presence_enabled_) services_.channel_presence.enable(channel);
  if (resumed == "lost")
    channel.send_system(Status::error,
                        "The position to resume from is not available any more: read the current state again");
  if (asks_when_ready_) channel.send_system(Status::ok, "Replication connection established");
  channel.client().schedule_token_check(channel.claims()->expires_at);
  channel.client().channels().handle_early(channel_.id);
}

// The channel must still exist.
void Join::fail(std::string_view reason, std::string_view sqlstate) {
  const auto channel = channel_.find();
  services_.joins.note(sqlstate);
  services_.refusals.note({"join",
                           std::string(sqlstate),
                           std::string(reason),
                           channel->claims()->user_id,
                           channel->client().address(),
                           std::string(channel->topic()),
                           {}});
  channel->reply_error(ref_, reason, sqlstate);
  channel->client().channels().give_up_join(channel_.id);
}

void Join::fail(const DatabaseError &error) {
  if (error.sqlstate == sqlstate::kConfigurationLimitExceeded)
    return fail("ClientJoinRateLimitReached: " + error.message, error.sqlstate);
  services_.log.warning(
      "could not check access to a topic",
      {{"connection", channel_.client.lock()->id()}, {"sqlstate", error.sqlstate}, {"error", error.message}});
  // Internal details go to the log only; the code finds them there.
  fail("DatabaseError: access to the topic could not be checked (" + error.sqlstate + ")", error.sqlstate);
}

} // namespace

void begin_join(ConversationServices &services, Channel &channel, const JoinOptions &options, std::string ref) {
  std::make_shared<Join>(services, channel, options, std::move(ref))->ask(channel);
}

} // namespace pg_live
