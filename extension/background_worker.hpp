// What the background workers of a database have in common: how they are registered, begin, wait and end.
//
// Each is a session of its database with pinned settings. An error ends the process; the postmaster starts it again,
// and its first pass is unconditional, so nothing has to be remembered for it.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Makes DROP DATABASE end the workers of that database, and CREATE and ALTER DATABASE end the pause of those that fail.
// Called once, from _PG_init.
void watch_databases();

// Registers one worker of that type for each database of pg_live.databases; its function gets the index of the
// database. Does nothing unless the server preloads the library.
void register_background_workers(const char *type, const char *function);

// Makes this process a session of the database that is rung through `self`, its settings pinned. Waits first if the
// last starts failed.
void begin_background_worker(WorkerSlot &self, const char *database);

// To be called after each pass that ended well.
void note_success(WorkerSlot &self);

// Whether the configuration of the server was read again.
enum class Configuration { same, changed };

// Waits for a ring or the time limit (milliseconds, -1 for none), and follows the configuration.
Configuration wait_for_ring(long timeout);

} // namespace pg_live
