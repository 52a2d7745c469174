// Publishing: turning what committed since the last batch into the next batch. The same pass serves the worker and
// live.publish().
#pragma once

#include "postgres.hpp"

#include <optional>

namespace pg_live {

// Locks the extension until the transaction ends, so that it cannot be dropped until then; false if it is not installed
// in this database. Publishers exclude each other with ShareUpdateExclusiveLock, which no role can take on an extension
// by SQL, nor does vacuum.
bool lock_extension(LOCKMODE mode);

// What the commit waits for. A lost batch would repeat its durable events under other positions, so it must be on disk
// before any of its events is delivered. A crash loses signals anyway, so a batch of signals alone needs no flush.
// `later`: the commit does not wait, and the caller flushes afterwards (batch_flush.hpp).
enum class Flush { every_batch, durable_batches, later };

// Whether a pass stores the next part of the deferred transactions (hold.sql) or leaves it to a later pass.
enum class DeferredParts { release, leave };

// Makes the commit of this transaction return without a flush.
void commit_without_flush();

struct Published {
  std::optional<int64> newest; // stored by any publisher; nullopt if there never was a batch
  bool has_deferred = false;   // deferred parts are left for later passes
  int64 unflushed_from = 0;    // with Flush::later: the first batch that must be flushed, 0 if none
};

// Stores the next batch if any event became visible since the last one. Does nothing if the extension is not installed
// in this database. The caller's transaction must be READ COMMITTED and have no xid yet (a publisher with an xid would
// count itself as ended). The batch counts once that transaction commits; the publishers' lock is released then.
Published store_next_batch(Flush flush, DeferredParts parts);

} // namespace pg_live
