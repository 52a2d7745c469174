// Delivery to one channel, and the messages the server sends on it.
#include "channel/channel.hpp"

#include <utility>

namespace pg_live {

std::shared_ptr<Channel> ChannelRef::find() const {
  std::shared_ptr<Client> owner = client.lock();
  Channel *channel = owner ? owner->channels().find(id) : nullptr;
  return channel == nullptr ? nullptr : std::shared_ptr<Channel>(std::move(owner), channel);
}

Channel::Channel(Client &client, TopicTable &topics, ChannelId id, const Message &join, ChannelOptions options,
                 ClaimsRef claims)
    : client_(client), topics_(topics), names_(std::string(join.topic).append(client.codec().channel_ref(join))),
      claims_(std::move(claims)), wire_topic_size_(static_cast<std::uint32_t>(join.topic.size())), id_(id),
      options_(options), naming_(client.codec().naming_of(join.topic)),
      topic_offset_(static_cast<std::uint8_t>(join.topic.size() - client.codec().topic_of(join.topic).size())) {}

Channel::~Channel() { leave_topic(); }

void Channel::follow_topic() {
  if (is_room_) leave_topic();
  if (!subscription_) subscription_ = topics_.subscribe(topic(), TopicKind::database, *this);
}

void Channel::enter_room() {
  if (!is_room_) leave_topic();
  if (!subscription_) subscription_ = topics_.subscribe(topic(), TopicKind::room, *this);
  is_room_ = true;
}

Command Channel::command(std::string_view sql, std::string_view name) const {
  Command command;
  command.claims = claims_;
  command.share = client_.allowance().address_key();
  command.sql = sql;
  command.name = name;
  return command;
}

void Channel::leave_topic() {
  if (subscription_) topics_.unsubscribe(*std::exchange(subscription_, std::nullopt));
  is_room_ = false;
}

void Channel::deliver(const TopicBatch &batch, WriteTime time) {
  if (!seam_)
    return time == WriteTime::now ? client_.send(batch.frame(form())) : client_.send_later(batch.frame(form()));
  for (const LiveEvent *event : batch.events())
    seam_->handle(*event, event_frame(*event, form()), seam_output());
  if (seam_->deferred_bytes() > client_.queue_limit()) seam_->leave_to_replay();
  if (seam_->deferred_bytes() > client_.queue_limit()) client_.close_slow();
  settle_seam();
}

Seam &Channel::seam() {
  if (!seam_) seam_ = std::make_unique<Seam>();
  return *seam_;
}

Seam::Send Channel::seam_output() {
  return [this](const websocket::Frame &frame) { client_.send_later(frame); };
}

void Channel::settle_seam() {
  if (seam_ && seam_->done()) seam_.reset();
}

void Channel::reply(std::string_view ref, Status status, std::string_view response) {
  client_.send(client_.codec().reply(address(), ref, status, response));
}

void Channel::reply_error(std::string_view ref, std::string_view reason, std::string_view sqlstate) {
  client_.send(client_.codec().error_reply(address(), ref, {std::string(reason), sqlstate}));
}

void Channel::send_system(Status status, std::string_view message, std::string_view extension) {
  client_.send(client_.codec().system(address(), status, message, extension));
}

void Channel::send_close() { client_.send(client_.codec().close(address())); }

void Channel::send_error(std::string_view reason) { client_.send(client_.codec().error(address(), reason)); }

} // namespace pg_live
