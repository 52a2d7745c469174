// See unfinished_message.hpp.
#include "connection/unfinished_message.hpp"

namespace pg_live {

MessageSender *UnfinishedMessages::largest() const { return bytes_ > limit_ ? by_size_.rbegin()->second : nullptr; }

void UnfinishedMessages::change(MessageSender &sender, std::size_t before, std::size_t now) {
  if (before == now) return;
  by_size_.erase({before, &sender});
  if (now > 0) by_size_.emplace(now, &sender);
  bytes_ += now - before;
}

void UnfinishedMessage::append(std::string_view piece, std::size_t announced) {
  bytes_.append(piece);
  if (announced > bytes_.capacity() - bytes_.size()) bytes_.reserve(bytes_.size() + announced);
  all_.change(sender_, std::exchange(counted_, bytes_.capacity()), bytes_.capacity());
}

UnfinishedMessage::~UnfinishedMessage() { all_.change(sender_, counted_, 0); }

} // namespace pg_live
