// The worker's part of presence: announces what is due, and knows when something is due next.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Whether a deadline has passed, or a transaction may have stored an earlier one.
bool presence_is_due(DatabaseState &state);

// Announces a bounded part of what is due, in a transaction of its own, and stores when the next look is.
void expire_presence(DatabaseState &state);

// Has it looked at again after so long, whatever the deadlines say.
void postpone_presence(DatabaseState &state, long milliseconds);

} // namespace pg_live
