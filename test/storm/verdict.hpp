// Compares what was delivered with what was committed. Pure: knows neither libpq nor threads.
#pragma once

#include "record.hpp"

#include <span>
#include <vector>

namespace pg_live::storm {

// Numbers of events, but for the transactions and what is said otherwise. All below `batches` are faults.
struct Verdict {
  int committed = 0;   // transactions
  int rolled_back = 0; // transactions
  int durable = 0;     // delivered
  int signals = 0;     // delivered
  int batches = 0;
  int missing_durable = 0;
  int missing_signals = 0; // a fault where nothing crashed
  int repeated = 0;
  int not_committed = 0; // delivered, though rolled back, or never emitted
  int altered = 0;       // delivered with another id, topic or durability than it was emitted with
  int backwards = 0;     // delivered at a position that is not after the one before
  int torn = 0;          // transactions whose events are in several batches without parts, or not in the order they
                         // were emitted
  int overtaken = 0;     // transactions that stand before one which was committed before they were
};

// Whether a transaction may come in several batches, between which others come. Then order is that of each topic.
enum class Parts { forbidden, allowed };

Verdict judge(std::span<const WrittenTransaction> written, std::span<const DeliveredEvent> delivered, Parts parts);

} // namespace pg_live::storm
