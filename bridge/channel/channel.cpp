// Delivery to one channel, and the messages the server sends on it.
#include "channel/channel.hpp"

#include <utility>

namespace pg_live {

Channel::Channel(Client &client, TopicTable &topics, ChannelId id, const phoenix::Message &join,
                 phoenix::Version version, ChannelOptions options, ClaimsRef claims)
    : client_(client), topics_(topics),
      // Old clients send no join_ref with a join: there it is the ref of the join itself.
      names_(join.topic + (join.join_ref.empty() || join.join_ref == "null" ? join.ref : join.join_ref)),
      claims_(std::move(claims)), wire_topic_size_(static_cast<std::uint32_t>(join.topic.size())), id_(id),
      options_(options), form_{version, join.topic.starts_with(phoenix::kTopicPrefix)} {}

Channel::~Channel() { leave_topic(); }

void Channel::follow_topic() {
  if (is_room_) leave_topic();
  if (!subscription_) subscription_ = topics_.subscribe(topic(), true, *this);
}

void Channel::enter_room() {
  if (!is_room_) leave_topic();
  if (!subscription_) subscription_ = topics_.subscribe(topic(), false, *this);
  is_room_ = true;
}

void Channel::leave_topic() {
  if (subscription_) topics_.unsubscribe(*std::exchange(subscription_, std::nullopt));
  is_room_ = false;
}

void Channel::deliver(const TopicBatch &batch, bool alone) {
  if (!seam_) return alone ? client_.send(batch.frame(form_)) : client_.send_later(batch.frame(form_));
  for (const LiveEvent *event : batch.events())
    seam_->take(event->position, event->durable, event_frame(*event, form_), seam_output());
  if (seam_->held_bytes() > client_.queue_limit()) seam_->leave_to_replay();
  if (seam_->held_bytes() > client_.queue_limit()) client_.close_slow();
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

void Channel::send(std::string_view message) { client_.send(websocket::Frame(websocket::Opcode::text, message)); }

void Channel::reply(std::string_view ref, phoenix::Status status, std::string_view response) {
  std::string message;
  phoenix::append_reply(message, form_.version, join_ref(), ref, wire_topic(), status, response);
  send(message);
}

void Channel::reply_error(std::string_view ref, std::string_view reason, std::string_view sqlstate) {
  std::string message;
  phoenix::append_error_reply(message, form_.version, join_ref(), ref, wire_topic(), reason, sqlstate);
  send(message);
}

void Channel::send_system(phoenix::Status status, std::string_view message, std::string_view extension) {
  std::string text;
  phoenix::append_system(text, form_.version, join_ref(), wire_topic(), status, message, extension);
  send(text);
}

void Channel::send_push(std::string_view event, std::string_view payload) {
  std::string message;
  phoenix::append_push(message, form_.version, join_ref(), wire_topic(), event, payload);
  send(message);
}

void Channel::send_close() {
  std::string message;
  phoenix::append_close(message, form_.version, join_ref(), wire_topic());
  send(message);
}

void Channel::send_error(std::string_view reason) {
  std::string message;
  phoenix::append_error(message, form_.version, join_ref(), wire_topic(), reason);
  send(message);
}

} // namespace pg_live
