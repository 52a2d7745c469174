// The clock of presence, and waking the worker in time for a deadline.
//
// All of presence reads one clock: the server's, moved by pg_live.clock_offset, so that tests need not wait. Readers
// compare deadlines with it themselves; the worker only announces, so being woken late would show nothing wrong.
#pragma once

#include "postgres.hpp"

namespace pg_live {

// The time of presence, now.
TimestampTz presence_clock();

// The worker shall look at deadlines by then, if this transaction commits.
void note_deadline(TimestampTz deadline);

// Registers the transaction callback. Called once, from _PG_init.
void watch_deadlines();

} // namespace pg_live
