// Publishing: turning what committed since the last batch into the next batch. The same pass serves the worker and
// live.publish().
#pragma once

#include "postgres.hpp"

#include <optional>

namespace pg_live {

// Locks the extension until the transaction ends, so that it cannot be dropped meanwhile; false if it is not installed
// in this database. Publishers exclude each other by it (ShareUpdateExclusiveLock): no role can take the lock with SQL,
// and vacuum does not take it.
bool lock_extension(LOCKMODE mode);

// What the commit of the transaction waits for. A lost batch would repeat its durable events under other positions, so
// it is on disk before anything of it is delivered; signals are lost with it, so a batch of nothing else needs no
// flush. `later`: nothing, and the caller makes the wait up (batch_flush.hpp).
enum class Flush { every_batch, durable_batches, later };

// Whether a pass stores the next part of what is held, or leaves that to a later one.
enum class HeldParts { release, leave };

// The commit of this transaction waits for no flush.
void commit_without_flush();

struct Published {
  std::optional<int64> newest; // whoever stored it: nothing if there never was a batch
  bool holds = false;          // parts are left for later passes
  int64 unflushed_from = 0;    // with Flush::later: the first of the batches that must be flushed, 0 if none must
};

// Stores the next batch if any event became visible since the last one. Nothing is stored and returned if the extension
// is not installed in this database. Runs in the caller's transaction, which must be READ COMMITTED, have no xid yet (a
// publisher with an xid would see itself as ended) and an active snapshot; the batch counts once that transaction
// commits. Holds the publishers' lock until then.
Published store_next_batch(Flush flush, HeldParts parts);

} // namespace pg_live
