// Prepared transactions: COMMIT PREPARED runs no callback of the transaction that it commits, so it wakes the workers
// whatever that transaction did. PREPARE TRANSACTION and other commits cost nothing.
#pragma once

namespace pg_live {

// Installs the hook and the transaction callback. Called once, from _PG_init. Does nothing unless the server preloads
// the library: otherwise no worker runs, and what a worker left prepared is published by the next poll of a bridge.
void watch_prepared_transactions();

} // namespace pg_live
