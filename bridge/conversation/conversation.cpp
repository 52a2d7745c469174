// Answering a client's messages.
#include "conversation/conversation.hpp"

#include "base/sqlstate.hpp"
#include "conversation/broadcast.hpp"
#include "conversation/join.hpp"
#include "conversation/limit_refusal.hpp"
#include "wire/topic_name.hpp"

#include <algorithm>
#include <utility>

namespace pg_live {

namespace {

constexpr std::chrono::seconds kInFlight{30}; // longer than a message can be in flight

constexpr std::size_t kMaxJoinBytes = 65536; // a token has up to 16 kB

} // namespace

Conversation::Conversation(ConversationServices &services, Client &client, ClaimsRef claims, const Codec &codec)
    : services_(services), client_(client), claims_(std::move(claims)), codec_(codec) {}

Conversation::~Conversation() = default;

void Conversation::end() {
  channels_.clear();
  client_.allowance().set_topics(0);
  deferred_.reset();
}

void Conversation::handle(websocket::Opcode opcode, std::string_view frame) {
  const auto decoded = codec_.decode(opcode, frame);
  if (const auto *bad = std::get_if<BadMessage>(&decoded)) return refuse(opcode, frame, {bad->reason, bad->sqlstate});
  const Message &message = std::get<Message>(decoded);
  const auto credentials = credentials_of(message, opcode, frame);
  if (!credentials) return;
  if (message.kind == MessageKind::sign_of_life) return reply(message, Status::ok, "{}");
  if (message.kind == MessageKind::unknown) return reply_error(message, {"unknown event", ""});
  if (message.kind == MessageKind::join) return join(message, *credentials);
  Channel *channel = find(message.topic);
  if (message.kind == MessageKind::leave) {
    if (channel != nullptr && codec_.is_for(message, channel->join_ref())) return leave(*channel, message);
    return reply(message, Status::ok, "{}"); // the channel has ended; a newer one of its topic continues
  }
  if (channel == nullptr) return reply_error(message, {"unmatched topic", ""});
  if (!channel->joined()) return buffer(*channel, message, opcode, frame);
  dispatch(*channel, message, *credentials);
}

void Conversation::refuse(websocket::Opcode opcode, std::string_view frame, const Refusal &refusal) {
  client_.send(codec_.error_reply(codec_.envelope_of(opcode, frame), refusal));
}

void Conversation::buffer(const Channel &channel, const Message &message, websocket::Opcode opcode,
                          std::string_view frame) {
  if (!early_) early_ = std::make_unique<EarlyMessages>();
  if (early_->push({channel.id(), opcode, std::string(frame)})) return;
  reply_error(message, {"too much was sent before the join was answered", sqlstate::kConfigurationLimitExceeded});
}

// Nothing if the message waits, since its token cannot be verified yet, or since it stands behind one that waits.
std::optional<Conversation::Credentials> Conversation::credentials_of(const Message &message, websocket::Opcode opcode,
                                                                      std::string_view frame) {
  const bool resumes = std::exchange(resumes_, false);
  if (deferred_ && !resumes) {
    defer(message, opcode, frame);
    return std::nullopt;
  }
  Credentials credentials;
  std::optional<std::string> token;
  if (message.kind == MessageKind::join) token = credentials.join.emplace(codec_.join_options(message)).access_token;
  if (message.kind == MessageKind::access_token) token = codec_.access_token(message);
  if (!token) return credentials;
  if (resumes) {
    credentials.verified = services_.access.verify(*token);
    return credentials;
  }
  auto deferred = std::make_shared<EarlyMessages>();
  credentials.verified =
      services_.access.verify(*token, client_.allowance(), [this, waiting = std::weak_ptr(deferred)] {
        if (const auto still_there = waiting.lock()) handle_deferred();
      });
  if (credentials.verified) return credentials;
  deferred_ = std::move(deferred);
  defer(message, opcode, frame);
  return std::nullopt;
}

void Conversation::defer(const Message &message, websocket::Opcode opcode, std::string_view frame) {
  if (!deferred_->push({ChannelId{}, opcode, std::string(frame)}))
    reply_error(message, {"too much was sent before a token could be verified", sqlstate::kConfigurationLimitExceeded});
}

void Conversation::handle_deferred() {
  const auto deferred = std::exchange(deferred_, nullptr);
  resumes_ = true; // the first one waited, and is answered by what is known now
  for (const EarlyMessage &message : deferred->pop(ChannelId{}))
    handle(message.opcode, message.frame);
}

std::vector<EarlyMessage> Conversation::pop_early(ChannelId id) {
  if (!early_) return {};
  std::vector<EarlyMessage> messages = early_->pop(id);
  if (early_->empty()) early_.reset();
  return messages;
}

void Conversation::handle_early(ChannelId id) {
  for (const EarlyMessage &message : pop_early(id))
    handle(message.opcode, message.frame);
}

void Conversation::give_up_join(ChannelId id) {
  const std::vector<EarlyMessage> messages = pop_early(id);
  remove(id);
  for (const EarlyMessage &message : messages)
    handle(message.opcode, message.frame);
}

void Conversation::dispatch(Channel &channel, const Message &message, const Credentials &credentials) {
  if (message.kind == MessageKind::access_token) return replace_token(channel, credentials);
  const bool says_itself = message.kind == MessageKind::command && message.event == kHeartbeatEvent;
  if (!says_itself) client_.note_use(); // a heartbeat states itself whether the user is active
  if (message.kind == MessageKind::broadcast) return handle_broadcast(services_, channel, message);
  if (message.kind == MessageKind::presence) return services_.channel_presence.handle(channel, message);
  if (const CommandEntry *command = command_of_event(message.event)) return run_command(channel, *command, message);
  reply_error(message, {"unknown event", ""});
}

void Conversation::run_command(Channel &channel, const CommandEntry &command, const Message &message) {
  if (!commands_) commands_ = std::make_unique<PushedCommands>(services_, client_);
  commands_->run(channel, command, message);
}

std::optional<Refusal> Conversation::refusal_of_join(const Message &message) {
  if (const auto excess = client_.allowance().spend(Rate::joins, services_.time_now()))
    return refusal_of(*excess, "ClientJoinRateLimitReached");
  const std::string_view topic = codec_.topic_of(message.topic);
  if (topic.empty())
    return Refusal{"TopicNameRequired: You must provide a topic name", sqlstate::kInvalidParameterValue};
  if (!is_topic_name(topic))
    return Refusal{"a topic must have 1 to 1100 bytes and no control characters", sqlstate::kInvalidParameterValue};
  if (message.payload.size() > kMaxJoinBytes)
    return Refusal{"a join must not have more than 65536 bytes", sqlstate::kProgramLimitExceeded};
  if (const auto excess = client_.allowance().excess_of_topics()) return refusal_of(*excess, "ChannelRateLimitReached");
  return std::nullopt;
}

void Conversation::join(const Message &message, const Credentials &credentials) {
  if (Channel *previous = find(message.topic)) {
    // The client joins again without having left: the old channel ends first, under its own join_ref.
    previous->send_close();
    remove(previous->id());
  }
  if (const auto refusal = refusal_of_join(message)) return reply_error(message, *refusal);
  const JoinOptions &options = *credentials.join;
  if (!options.refusal.empty()) return reply_error(message, {options.refusal, options.refusal_code});
  ClaimsRef claims = claims_;
  if (credentials.verified) {
    const TokenResult &result = *credentials.verified;
    if (!result.claims)
      return reply_error(message,
                         {std::string(result.error->code) + ": " + result.error->message, result.error->sqlstate});
    claims = result.claims;
    if (const auto excess = client_.allowance().change_user(claims->user_id, services_.time_now()))
      return reply_error(message, refusal_of(*excess, "ConnectionRateLimitReached"));
  }
  if (const auto fault = services_.access.fault_of(*claims))
    return reply_error(message, {std::string("InvalidJWTToken: ").append(*fault), sqlstate::kInvalidAuthorization});
  const ChannelOptions channel_options{options.is_private, options.broadcast_self, options.broadcast_ack,
                                       options.accepts_binary};
  channels_.push_back(std::make_unique<Channel>(client_, services_.hub.table(), ChannelId{++last_channel_}, message,
                                                channel_options, std::move(claims)));
  client_.allowance().set_topics(channels_.size());
  begin_join(services_, *channels_.back(), options, message.ref);
}

void Conversation::leave(Channel &channel, const Message &message) {
  channel.reply(message.ref, Status::ok, "{}");
  channel.send_close();
  remove(channel.id());
}

// A token is a channel's: clients send a fresh one to each.
void Conversation::replace_token(Channel &channel, const Credentials &credentials) {
  if (!credentials.verified) return;
  const TokenResult &result = *credentials.verified;
  if (!result.claims) return close_channel(channel.id(), result.error->message);
  if (channel.claims()->text == result.claims->text) return; // clients repeat it
  if (const auto excess = client_.allowance().change_user(result.claims->user_id, services_.time_now()))
    return close_channel(channel.id(), refusal_of(*excess, "ConnectionRateLimitReached").reason);
  channel.set_claims(result.claims);
  channel.begin_access_check();
  client_.speak_for(result.claims);
  check_again(channel.id());
  check_presence();
  client_.schedule_token_check(channel.claims()->expires_at);
}

void Conversation::check_tokens() {
  std::vector<std::pair<ChannelId, std::string_view>> ended;
  for (const auto &channel : channels_)
    if (const auto fault = services_.access.fault_of(*channel->claims()); fault && channel->joined())
      ended.emplace_back(channel->id(), *fault);
  for (const auto &[id, fault] : ended)
    close_channel(id, fault);
}

ClaimsRef Conversation::claims_of_any_user() const {
  for (const auto &channel : channels_)
    if (!channel->claims()->user_id.empty() && !services_.access.fault_of(*channel->claims())) return channel->claims();
  return nullptr;
}

ClaimsRef Conversation::claims_of(std::string_view user_id) const {
  const auto speaks = [&](const ClaimsRef &claims) {
    return claims->user_id == user_id && !services_.access.fault_of(*claims);
  };
  if (speaks(claims_)) return claims_;
  for (const auto &channel : channels_)
    if (channel->joined() && speaks(channel->claims())) return channel->claims();
  return nullptr;
}

std::chrono::sys_seconds Conversation::next_expiry() const {
  auto next = std::chrono::sys_seconds::max();
  for (const auto &channel : channels_)
    next = std::min(next, channel->claims()->expires_at);
  return next;
}

void Conversation::revoke(ChannelId id) {
  if (const Channel *channel = find(id))
    close_channel(
        id, std::string("You no longer have permission to read from this Channel topic: ").append(channel->topic()));
}

void Conversation::check_again(ChannelId id) {
  Channel *asking = find(id);
  if (asking == nullptr) return;
  asking->begin_access_check();
  auto answered = [asked = asking->ref(), claims = asking->claims(), &services = services_](TopicAccess access,
                                                                                            const auto &error) {
    const auto channel = asked.find();
    if (!channel || channel->claims() != claims) return; // another check runs for the new claims
    Channels &channels = channel->client().channels();
    if (error) {
      // Its access is unknown, so the channel must not continue; the client joins again.
      return channels.end_for_rejoin(asked.id, "access could not be checked");
    }
    channel->set_access(access);
    if (channel->is_for_room(services.settings, access)) {
      channel->enter_room();
    } else if (access.can_receive) {
      channel->follow_topic();
    } else {
      return channels.revoke(asked.id);
    }
    services.channel_presence.check(*channel);
  };
  services_.access.ask(asking->claims(), client_.allowance().address_key(), asking->topic(), Limiting::applies,
                       std::move(answered));
}

void Conversation::end_for_rejoin(ChannelId id, std::string_view reason) {
  Channel *channel = find(id);
  if (channel == nullptr) return;
  channel->send_error(reason);
  remove(id);
}

void Conversation::close_channel(ChannelId id, std::string_view reason) {
  Channel *channel = find(id);
  if (channel == nullptr) return;
  channel->send_system(Status::error, reason);
  channel->send_close();
  remove(id);
}

Channel *Conversation::find(ChannelId id) const {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const auto &each) { return each->id() == id; });
  return found == channels_.end() ? nullptr : found->get();
}

Channel *Conversation::find(std::string_view wire_topic) const {
  const auto found = std::find_if(channels_.begin(), channels_.end(),
                                  [&](const auto &each) { return each->wire_topic() == wire_topic; });
  return found == channels_.end() ? nullptr : found->get();
}

bool Conversation::had_state_lately(std::string_view wire_topic) const {
  return std::any_of(left_.begin(), left_.end(), [&](const Left &left) { return left.wire_topic == wire_topic; });
}

void Conversation::check_presence() {
  for (const auto &channel : channels_) {
    if (!channel->checks_access()) services_.channel_presence.check(*channel);
    if (channel->attendance() != nullptr) channel->attendance()->check();
  }
}

void Conversation::remove(ChannelId id) {
  const Channel *channel = find(id);
  std::erase_if(left_, [&](const Left &left) { return left.at + kInFlight < services_.seconds_now(); });
  if (channel != nullptr && channel->seat() != nullptr && channel->seat()->has_state())
    left_.push_front({std::string(channel->wire_topic()), services_.seconds_now()});
  pop_early(id);
  std::erase_if(channels_, [&](const auto &each) { return each->id() == id; });
  client_.allowance().set_topics(channels_.size());
  if (channels_.empty()) client_.note_no_topics();
}

void Conversation::reply(const Message &message, Status status, std::string_view response) {
  client_.send(codec_.reply({message.join_ref, message.topic}, message.ref, status, response));
}

void Conversation::reply_error(const Message &message, const Refusal &refusal) {
  client_.send(codec_.error_reply({message.join_ref, message.topic}, message.ref, refusal));
}

} // namespace pg_live
