// Wakes the sessions that wait in live_private.await_batch(), and knows how far they are.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Makes the newest batch, which is committed, known to sessions that wait. Never raises.
void make_known(DatabaseState &state, int64 batch);

// Whether all sessions that wait for one batch after another are waiting for the one after the newest.
bool all_are_caught_up(DatabaseState &state);

} // namespace pg_live
