// The worker's part of presence: announces the changes that are due, and knows when the next one is.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Whether a deadline has passed, or a transaction may have stored an earlier one.
bool presence_is_due(DatabaseState &state);

// Announces a bounded part of the changes that are due, in a transaction of its own, and stores when to look next.
void expire_presence(DatabaseState &state);

// Makes the worker look again after so long, whatever the deadlines are.
void postpone_presence(DatabaseState &state, long milliseconds);

} // namespace pg_live
