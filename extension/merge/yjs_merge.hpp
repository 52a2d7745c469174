// What the log of a document does with updates: merges them, tells what a peer lacks, recognizes what it has already,
// and verifies a snapshot. None of these can fail once the updates are read.
#pragma once

#include "merge/yjs_state_vector.hpp"
#include "merge/yjs_update.hpp"

#include <span>
#include <string>

namespace pg_live::yjs {

// The structs and deletions of all these updates.
Contents united(std::span<const Update> updates);

// One update in place of all these, as Y.mergeUpdates() writes it. Where some structs of a client are missing, a Skip
// stands for them. One update alone is returned as it is.
std::string merge(std::span<const Update> updates);

// What a document with that state vector lacks of an update, with all its deletions, as Y.diffUpdate() writes it.
std::string diff(const Update &update, const StateVector &known);

// Whether a log with these contents has all of an update already.
bool has(const Contents &log, const Contents &update);

enum class SnapshotVerdict : unsigned char { complete, has_gap, lacks_structs, lacks_deletions };

// Whether a snapshot that a client made may stand for a log with these contents. Only what is there is compared: a
// client can still have changed what a struct says.
SnapshotVerdict verify_snapshot(const Contents &snapshot, const Contents &log);

} // namespace pg_live::yjs
