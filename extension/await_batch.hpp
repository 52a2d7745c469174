// Tells the sessions that wait in live_private.await_batch() of a batch, and how far they are.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// The newest batch of the database, which is committed. Never raises.
void make_known(DatabaseState &state, int64 batch);

// Whether all sessions that wait for batches, one after another, have come back for the one after the newest.
bool everyone_is_caught_up(DatabaseState &state);

} // namespace pg_live
