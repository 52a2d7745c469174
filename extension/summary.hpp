// Summaries: materialised views that are refreshed when something changed in what they sum up.
//
// A transaction that changed something marks so at its commit, and wakes the refresher unless the mark stood already,
// so a busy database wakes it once a refresh. The mark says "look": live.refresh_summaries() compares before it writes.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Something that is summed up may have changed, and the change is committed. Safe in every callback; never raises.
void mark_summaries_changed(DatabaseState &state);

// Registers the transaction callback. Called once, from _PG_init.
void watch_summaries();

} // namespace pg_live
