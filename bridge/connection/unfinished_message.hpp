// Messages that have arrived in part only, and the memory that those of all connections use together.
//
// Invariant: counts the memory that the messages have reserved, even if a client announces more than it sends. Above
// the limit, largest() gives the sender to close, so that a client with an ordinary message does not pay for clients
// that delay large ones.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace pg_live {

// The sender of a message; only its address is used. Derive from it.
class MessageSender {
 protected:
  MessageSender() = default;
  MessageSender(const MessageSender &) = default;
  MessageSender &operator=(const MessageSender &) = default;
  ~MessageSender() = default;
};

class UnfinishedMessages {
 public:
  explicit UnfinishedMessages(std::size_t limit) : limit_(limit) {}

  // The sender of the largest message if all together exceed the limit; otherwise null.
  MessageSender *largest() const;

  std::size_t bytes() const { return bytes_; }

 private:
  friend class UnfinishedMessage;
  void change(MessageSender &sender, std::size_t before, std::size_t now);

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::set<std::pair<std::size_t, MessageSender *>> by_size_;
};

// One of them. It is counted until it is destroyed.
class UnfinishedMessage {
 public:
  UnfinishedMessage(UnfinishedMessages &all, MessageSender &sender) : all_(all), sender_(sender) {}
  ~UnfinishedMessage();
  UnfinishedMessage(const UnfinishedMessage &) = delete;
  UnfinishedMessage &operator=(const UnfinishedMessage &) = delete;

  // Adds a piece, and makes room for as many bytes as are announced to follow.
  void append(std::string_view piece, std::size_t announced);

  const std::string &bytes() const { return bytes_; }

 private:
  UnfinishedMessages &all_;
  MessageSender &sender_;
  std::string bytes_;
  std::size_t counted_ = 0;
};

} // namespace pg_live
