// The course of a join: checks access in the database, replays if the client asks for it, and answers.
// Invariants: the channel follows its topic before the replay reads, so no event falls between; if access was revoked
// during the check, the check is repeated.
#pragma once

#include "channel/channel.hpp"
#include "conversation/conversation_services.hpp"
#include "wire/message.hpp"

namespace pg_live {

// `ref` is that of the join message. The channel is removed if the join fails.
void begin_join(ConversationServices &services, Channel &channel, const JoinOptions &options, std::string ref);

} // namespace pg_live
