// The open connections of this process: how many there are, of which users, which are ending, and what they have sent
// half of.
// Invariant: a seat is counted from admission until it is destroyed, for its address and for its user.
#pragma once

#include "channel/channel.hpp"
#include "connection/presence_id_set.hpp"
#include "connection/unfinished_message.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

// An open connection, as the registry asks for it.
class RegisteredConnection : public Client, public MessageSender {
 public:
  // Ends the connection for the reason given: a close frame if the client reads it in time, else a reset. Topics are
  // left soon after.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual void leave_topics() = 0;

  virtual void hold_presence() = 0;

  // The user has ended the connection, though the socket is open: it stays so until the user says how to be shown.
  virtual void note_going_offline() = 0;
};

class ConnectionRegistry {
  using Counts = std::unordered_map<std::string, unsigned>;

 public:
  ConnectionRegistry(Loop &loop, const Limits &limits);

  // The right to be connected. Movable; gives itself back.
  class Seat {
   public:
    Seat() = default;
    Seat(Seat &&other) noexcept
        : registry_(std::exchange(other.registry_, nullptr)), address_(other.address_), user_(other.user_) {}
    Seat &operator=(Seat &&) = delete;
    ~Seat();

    ConnectionRegistry &registry() const { return *registry_; } // of a seat that was taken

   private:
    friend class ConnectionRegistry;
    ConnectionRegistry *registry_ = nullptr;
    Counts::value_type *address_ = nullptr;
    Counts::value_type *user_ = nullptr; // null for anonymous ones
  };

  // Whether the address may open one more socket, before anything is read from it.
  bool has_room_for(const std::string &address) const;

  // A seat, or in `refusal` why there is none.
  Seat take_seat(const std::string &address, const std::string &user_id, std::string &refusal);

  // A connection is found by its presence id, which stays the same in between.
  void add(RegisteredConnection &connection);
  void remove(RegisteredConnection &connection);
  std::size_t open() const { return open_.size(); }

  // Lets a closing connection leave its topics, soon: not now, since the table of topics may be being walked.
  void leave_topics_soon(std::weak_ptr<RegisteredConnection> connection);

  UnfinishedMessages &unfinished_messages() { return unfinished_messages_; }
  // Closes the connections that hold most of them until the rest is within the limit.
  void give_up_messages(const Log &log);

  // Users have ended connections of theirs: the payload of connection:ended.
  void take_ended(std::string_view payload);

  // All tell again who they are there for.
  void hold_presence();

  // Closes all, for instance because the process ends.
  void close_all(unsigned code, std::string_view reason);

 private:
  void let_leave();

  const Limits &limits_;
  Counts by_address_;
  Counts by_user_;
  unsigned seats_ = 0;
  PresenceIdSet<RegisteredConnection> open_;
  UnfinishedMessages unfinished_messages_;
  std::uint64_t given_up_messages_ = 0;
  std::vector<std::weak_ptr<RegisteredConnection>> leaving_;
  LoopTimer leave_timer_;
};

} // namespace pg_live
