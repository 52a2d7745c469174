// The open connections of this process: look-up by presence id, and unfinished messages.
#pragma once

#include "channel/channel.hpp"
#include "connection/connection_tally.hpp"
#include "connection/presence_id_set.hpp"
#include "connection/unfinished_message.hpp"
#include "process/loop.hpp"
#include "process/settings.hpp"

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace pg_live {

// An open connection, as the registry uses it.
class RegisteredConnection : public Client, public MessageSender {
 public:
  // Ends the connection: with a close frame if the client reads it in time, else with a reset. Leaves its topics soon
  // after.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual void leave_topics() = 0;

  virtual const std::string &user_id() const = 0; // empty: none
  virtual std::size_t queued_bytes() const = 0;   // that wait to be sent

  virtual void assert_presence() = 0;

  // Ends what was opened with a token that has expired or was revoked.
  virtual void check_tokens() = 0;

  // The user went offline while the socket is open. This lasts until the user chooses a presence again.
  virtual void note_going_offline() = 0;
};

class ConnectionRegistry {
 public:
  ConnectionRegistry(Loop &loop, const Limits &limits);

  // Connections are found by their presence id, which must not change between add() and remove().
  void add(RegisteredConnection &connection);
  void remove(RegisteredConnection &connection);
  std::size_t open() const { return open_.size(); }

  ConnectionTally &tally() { return tally_; }

  // The connections for which most waits to be sent, at most `count`. O(connections) while anything waits.
  std::vector<const RegisteredConnection *> slowest(std::size_t count) const;

  // Lets a closing connection leave its topics on the next turn of the loop: the topic table may be walked now.
  void leave_topics_soon(std::weak_ptr<RegisteredConnection> connection);

  UnfinishedMessages &unfinished_messages() { return unfinished_messages_; }
  // Closes the connections with the largest unfinished messages until the rest is within the limit.
  void give_up_messages(const Log &log);

  // Notes the connections that their users ended: the payload of the event connection:ended.
  void note_ended(std::string_view payload);

  // Asserts the presence of all connections again.
  void assert_presence();

  void check_tokens();

  // The open connections, each of which may end before it is used.
  std::vector<std::weak_ptr<RegisteredConnection>> all_shared() const;

  // Closes all connections, as when the process ends.
  void close_all(unsigned code, std::string_view reason);

 private:
  void leave_topics();
  std::vector<RegisteredConnection *> all_open() const { return {open_.begin(), open_.end()}; } // they may change

  ConnectionTally tally_;
  PresenceIdSet<RegisteredConnection> open_;
  UnfinishedMessages unfinished_messages_;
  std::uint64_t given_up_messages_ = 0;
  std::vector<std::weak_ptr<RegisteredConnection>> leaving_;
  LoopTimer leave_timer_;
};

} // namespace pg_live
