// Summaries: materialised views that are refreshed when their source rows have changed.
//
// A transaction that changed source rows sets a mark at its commit, and wakes the refresher unless the mark was set, so
// a busy database wakes it once a refresh. A mark is only a hint: live.refresh_summaries() compares before it writes.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Sets the mark, after a commit that may have changed source rows. Safe in every callback; never raises.
void mark_summaries_changed(DatabaseState &state);

// Registers the transaction callback. Called once, from _PG_init.
void watch_summaries();

} // namespace pg_live
