// live.fetch_events(): the batches after a position, each with its events in the order of their ids.
#include "batch_flush.hpp"
#include "boundary.hpp"
#include "event_slots.hpp"
#include "payload.hpp"
#include "text_view.hpp"

#include <algorithm>
#include <array>

namespace pg_live {

namespace {

struct FoundEvent {
  int64 id;
  HeapTuple row;
  size_t slot; // in all_slots
};

// The events of one batch, in a memory context of that batch.
struct FoundEvents {
  FoundEvent *events;
  size_t count;
  size_t room;

  void add(const FoundEvent &event) {
    if (count == room) {
      room = Max(room * 2, static_cast<size_t>(64));
      const Size bytes = room * sizeof(FoundEvent);
      events = static_cast<FoundEvent *>(events == nullptr ? palloc(bytes) : repalloc_huge(events, bytes));
    }
    events[count++] = event;
  }
};

// Returns the events of the transactions with an id above `after` and up to `through`.
FoundEvents find_events(SlotScans &slots, const ArrayType *xids, int64 after, int64 through) {
  FoundEvents found{};
  const auto *const members = reinterpret_cast<const uint64 *>(ARR_DATA_PTR(xids));
  const int number = ArrayGetNItems(ARR_NDIM(xids), ARR_DIMS(xids));
  for (int member = 0; member < number; ++member) {
    for (size_t slot = 0; slot < all_slots.size(); ++slot) {
      std::array keys{scan_key(event_key::xid, BTEqualStrategyNumber, F_XID8EQ, UInt64GetDatum(members[member])),
                      scan_key(event_key::id, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(after)),
                      scan_key(event_key::id, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(through))};
      IndexScan &scan = slots.scans[slot];
      scan.restart(keys);
      while (scan.next())
        found.add({DatumGetInt64(scan.column(event_column::id)), scan.copy_row(), slot});
    }
  }
  std::sort(found.events, found.events + found.count,
            [](const FoundEvent &one, const FoundEvent &other) { return one.id < other.id; });
  return found;
}

// Reads columns of events. A payload that consecutive events share is read once.
class EventReader {
 public:
  explicit EventReader(SlotScans &slots) : slots_(slots) {}

  Datum column(const FoundEvent &event, AttrNumber number) const { return nullable_column(event, number).value; }

  // The payload of the event, or of the event it refers to, perhaps on an earlier page. Null if that event is gone.
  NullableDatum payload(const FoundEvent &event) {
    const NullableDatum own = nullable_column(event, event_column::payload);
    if (!own.isnull) return own;
    const int64 id = DatumGetInt64(column(event, event_column::payload_id));
    if (shared_id_ != id) {
      shared_ = find_payload(event, id);
      shared_id_ = id;
    }
    return shared_;
  }

 private:
  NullableDatum nullable_column(const FoundEvent &event, AttrNumber number) const {
    NullableDatum value{};
    value.value = heap_getattr(event.row, number, slots_.scans[event.slot].description(), &value.isnull);
    return value;
  }

  NullableDatum find_payload(const FoundEvent &event, int64 id) {
    std::array keys{scan_key(event_key::xid, BTEqualStrategyNumber, F_XID8EQ, column(event, event_column::xid)),
                    scan_key(event_key::id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id))};
    IndexScan &scan = slots_.scans[event.slot];
    scan.restart(keys);
    if (!scan.next()) return {Datum{0}, true};
    return nullable_column({id, scan.copy_row(), event.slot}, event_column::payload);
  }

  SlotScans &slots_;
  int64 shared_id_ = 0; // 0 is the id of no event
  NullableDatum shared_{};
};

// The name of a topic or an event as it can be sent.
struct SendableName {
  Datum value;
  bool is_own; // false: the name has no form in UTF-8 and is escaped, so that it can be logged
};

SendableName sendable(Datum name) {
  if (has_utf8_form(view(DatumGetTextPP(name)))) return {name, true};
  return {DirectFunctionCall2(binary_encode, name, CStringGetTextDatum("escape")), false};
}

void put_event(ReturnSetInfo *result, int64 batch, EventReader &reader, const FoundEvent &event) {
  const SendableName topic = sendable(reader.column(event, event_column::topic));
  const SendableName name = sendable(reader.column(event, event_column::event));
  const NullableDatum payload = reader.payload(event);
  std::array values{Int64GetDatum(batch),
                    Int64GetDatum(event.id),
                    topic.value,
                    name.value,
                    payload.value,
                    BoolGetDatum(all_slots[event.slot].is_durable),
                    reader.column(event, event_column::created_at)};
  std::array<bool, values.size()> nulls{};
  nulls[4] = !topic.is_own || !name.is_own || payload.isnull || !is_sendable_payload(payload.value);
  tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
}

// The position of a bridge: a whole batch if the id is null, otherwise the events of the batch up to that id.
struct Seen {
  int64 batch;
  NullableDatum id;
};

int64 int8_column(const IndexScan &scan, AttrNumber number) { return DatumGetInt64(scan.column(number)); }

// Puts at most `most` events of the next batch into the result; returns how many.
int64 put_batch(ReturnSetInfo *result, const IndexScan &batches, SlotScans &slots, const Seen &seen, int64 most) {
  const int64 batch = int8_column(batches, batch_column::id);
  int64 after = int8_column(batches, batch_column::after_id);
  if (batch == seen.batch) after = Max(after, DatumGetInt64(seen.id.value));
  const ArrayType *const xids = DatumGetArrayTypeP(batches.column(batch_column::xids));
  const FoundEvents found = find_events(slots, xids, after, int8_column(batches, batch_column::through_id));
  const int64 count = Min(static_cast<int64>(found.count), most);
  EventReader reader(slots);
  for (int64 event = 0; event < count; ++event)
    put_event(result, batch, reader, found.events[event]);
  return count;
}

// Puts batches into the result; returns the id of the last one.
int64 put_batches(ReturnSetInfo *result, const Seen &seen, int64 most) {
  IndexScan batches = IndexScan::open("batch", "batch_pkey", 1);
  const Datum batch = Int64GetDatum(seen.batch);
  std::array keys{seen.id.isnull ? scan_key(batch_key::id, BTGreaterStrategyNumber, F_INT8GT, batch)
                                 : scan_key(batch_key::id, BTGreaterEqualStrategyNumber, F_INT8GE, batch)};
  batches.restart(keys);
  int64 last = 0;
  if (batches.next()) {
    SlotScans slots = SlotScans::open(3);
    MemoryContext const context = AllocSetContextCreate(CurrentMemoryContext, "pg_live batch", ALLOCSET_DEFAULT_SIZES);
    MemoryContext const outer = MemoryContextSwitchTo(context);
    do {
      most -= put_batch(result, batches, slots, seen, most);
      last = int8_column(batches, batch_column::id);
      MemoryContextReset(context);
    } while (most > 0 && batches.next());
    MemoryContextSwitchTo(outer);
    MemoryContextDelete(context);
    slots.close();
  }
  batches.close();
  return last;
}

Datum fetch_events_body(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("after_batch and max_events must not be null")));
  const int32 most = PG_GETARG_INT32(2);
  if (most < 1) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_events must be positive")));
  InitMaterializedSRF(fcinfo, 0);
  const Seen seen{PG_GETARG_INT64(0), fcinfo->args[1]};
  await_flush(put_batches(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), seen, most));
  return Datum{0};
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_fetch_events);
extern PGDLLEXPORT Datum pg_live_fetch_events(PG_FUNCTION_ARGS);

Datum pg_live_fetch_events(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::fetch_events_body>(fcinfo); }
}
