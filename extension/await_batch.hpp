// Tells the sessions that wait in live.await_batch() of a batch.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// The newest batch of the database, which is committed. Never raises.
void make_known(DatabaseState &state, int64 batch);

} // namespace pg_live
