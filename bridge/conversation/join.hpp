// A join on its way: asks the database for access, catches up if the client wants that, and answers.
// Invariants: the channel follows its topic before anything is read from the past, so nothing falls between; access
// that was taken away while the question was on its way is asked for again.
#pragma once

#include "channel/channel.hpp"
#include "conversation/conversation_services.hpp"
#include "wire/message.hpp"

namespace pg_live {

// `ref` is of the join, for the answer. The channel is taken away again if the join fails.
void begin_join(ConversationServices &services, Channel &channel, const JoinOptions &options, std::string ref);

} // namespace pg_live
