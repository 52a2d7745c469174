// The tables of events, slot by slot, with the numbers of their columns. Writers insert straight into the partition of
// the current slot (event.cpp); readers that search by transaction search all slots.
#pragma once

#include "index_scan.hpp"

#include <array>

namespace pg_live {

inline constexpr int event_slots = 4;
inline constexpr int signal_slots = 3;

struct EventSlot {
  const char *table;
  const char *index; // (xid, id)
  bool is_durable;
};

inline constexpr std::array<EventSlot, event_slots + signal_slots> all_slots{{
    {"event_0", "event_0_pkey", true},
    {"event_1", "event_1_pkey", true},
    {"event_2", "event_2_pkey", true},
    {"event_3", "event_3_pkey", true},
    {"signal_0", "signal_0_pkey", false},
    {"signal_1", "signal_1_pkey", false},
    {"signal_2", "signal_2_pkey", false},
}};

// Columns of the tables, and of their index.
namespace event_column {
inline constexpr AttrNumber id = 1, xid = 2, topic = 3, event = 4, payload = 5, created_at = 6, payload_id = 8;
}
namespace event_key {
inline constexpr AttrNumber xid = 1, id = 2;
}

namespace batch_column {
inline constexpr AttrNumber id = 1, snapshot = 2, xids = 3, after_id = 6, through_id = 7;
}
namespace batch_key {
inline constexpr AttrNumber id = 1;
}

// One scan of each slot, in the order of all_slots.
struct SlotScans {
  std::array<IndexScan, all_slots.size()> scans;

  static SlotScans open(int keys) {
    SlotScans opened{};
    for (size_t slot = 0; slot < all_slots.size(); ++slot)
      opened.scans[slot] = IndexScan::open(all_slots[slot].table, all_slots[slot].index, keys);
    return opened;
  }

  void close() {
    for (IndexScan &scan : scans)
      scan.close();
  }
};

} // namespace pg_live
