// What the background workers of a database share: registration, start, waits and end.
//
// Each worker is a session of its database with pinned settings. An error ends the process; the postmaster restarts it
// and its first pass is unconditional, so it keeps no state for its successor.
#pragma once

#include "shared_state.hpp"

namespace pg_live {

// Makes DROP DATABASE end the workers of that database, and CREATE and ALTER DATABASE end the pause of failing ones.
// Called once, from _PG_init.
void watch_databases();

// Registers a worker of that type for each database of pg_live.databases if the server preloads the library; the
// argument of its function is the index of the database.
void register_background_workers(const char *type, const char *function);

// Connects this process to the database with pinned settings, to be rung through `self`. Pauses first if the last
// starts failed.
void begin_background_worker(WorkerSlot &self, const char *database);

// To be called after each successful pass.
void note_success(WorkerSlot &self);

// Whether the server's configuration was read again.
enum class Configuration { same, changed };

// Waits for a ring or the timeout (milliseconds, -1 for none), and rereads a changed configuration.
Configuration wait_for_ring(long timeout);

} // namespace pg_live
