// Publishing: turning what committed since the last batch into the next batch. The same pass serves the worker and
// live.publish().
#pragma once

#include "postgres.hpp"

#include <optional>

namespace pg_live {

// Stores the next batch if any event became visible since the last one, and returns the id of the newest batch, whoever
// stored it: nothing if there never was one or the extension is not installed in this database. Runs in the caller's
// transaction, which must be READ COMMITTED, have no xid yet (a publisher with an xid would see itself as ended) and an
// active snapshot; the batch counts once that transaction commits. Holds the publishers' lock until then.
std::optional<int64> store_next_batch();

} // namespace pg_live
