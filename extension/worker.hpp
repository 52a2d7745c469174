// The worker of one database: announces presence, publishes batches, notifies the bridges, drops expired events.
#pragma once

namespace pg_live {

// Registers one worker for each database of pg_live.databases if the server preloads the library.
void register_workers();

} // namespace pg_live
