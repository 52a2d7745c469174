// A broadcast of a client on a channel: to the room of its name, or through the database, which checks and stores it.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"
#include "wire/message.hpp"

namespace pg_live {

// Sends the broadcast. Answers an error, or success if the client asked for an acknowledgement.
void handle_broadcast(Services &services, Channel &channel, const Message &message);

} // namespace pg_live
