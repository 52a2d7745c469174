// A broadcast of a client on a channel: to the room of its name, or through the database, which decides and keeps.
#pragma once

#include "channel/channel.hpp"
#include "channel/services.hpp"
#include "wire/message.hpp"

namespace pg_live {

// Answers with an error what cannot be sent, and with success when the client asked for that.
void take_broadcast(Services &services, Channel &channel, const Message &message);

} // namespace pg_live
