// A command that a client pushes on a channel: run as the channel's user, answered with what its function returned.
// Invariants: commands of one connection reach the database in the order they were given; an answer for a channel that
// is gone by then is dropped.
#pragma once

#include "api/commands.hpp"
#include "channel/channel.hpp"
#include "channel/services.hpp"

namespace pg_live {

class Conversation;

void run_pushed_command(Services &services, Channel &channel, const CommandEntry &entry,
                        const phoenix::Message &message);

// Tells the database of the typing calls that were repeated, once they are due.
void repeat_typing(Services &services, Conversation &conversation);

} // namespace pg_live
