// Prepared transactions: COMMIT PREPARED runs no callback of the prepared transaction, so it always wakes the workers.
// PREPARE TRANSACTION and other commits cost nothing.
#pragma once

namespace pg_live {

// Installs the hook and the transaction callback if the server preloads the library. Otherwise no worker runs, and the
// next poll of a bridge publishes the events of a prepared transaction. Called once, from _PG_init.
void watch_prepared_transactions();

} // namespace pg_live
