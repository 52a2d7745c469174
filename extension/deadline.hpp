// The clock of presence, and waking the worker in time for a deadline.
//
// All of presence reads one clock: the server's, shifted by pg_live.clock_offset so that tests need not wait. Readers
// compare deadlines with it themselves and the worker only announces, so a late worker makes no reader see expired
// rows.
#pragma once

#include "postgres.hpp"

namespace pg_live {

// The current time of the presence clock.
TimestampTz presence_clock();

// Makes the worker look at the deadlines by then if this transaction commits.
void note_deadline(TimestampTz deadline);

// Registers the transaction callback. Called once, from _PG_init.
void watch_deadlines();

} // namespace pg_live
