// Emits events: inserts their rows and rings the publisher's bell. Every writer runs this code, so writers share
// nothing but the sequence of ids, and a commit does no more than set a latch.
//
// The event protocol, step by step:
//
// 1. Emit. A writer inserts a row into the current slot of live.event or live.signal, in its own transaction (this
//    file; tables in event.sql). An event therefore exists if and only if its transaction commits.
// 2. Ring. The commit sets the latch of the database's worker (ring_for_events_at_transaction_end() below, ring() in
// shared_state.cpp).
//    Where no worker is expected, the transaction sends NOTIFY pg_live instead, and a bridge calls live.publish().
// 3. Announce. The woken worker (worker.cpp) emits the presence changes that are due (presence_expiry.cpp), so they are
//    part of the batch that follows.
// 4. Publish. The worker locks out other publishers, takes a snapshot, and stores a batch: the snapshot and the
//    transactions that ended since the snapshot of the batch before (publish.cpp, ended_xids.cpp). A transaction that
//    commits late is in a later batch; none is skipped. Too many events for one batch are published in parts
//    (hold.sql), at a pace the bridges can follow (part_pace.hpp).
// 5. Make known. Once the batch is committed, its id in shared memory wakes the bridges that wait in
//    live_private.await_batch() (await_batch.cpp). The worker flushes WAL while they fetch (batch_flush.cpp), and then
//    sends NOTIFY pg_live with the id in a transaction of its own (worker.cpp).
// 6. Fetch. A bridge reads the batches after the last one it has, ordered by batch and event id (live.fetch_events(),
//    fetch.cpp). It gets its rows when the batches are on disk. NOTIFY carries no data, so a lost one delays, no more.
// 7. Replay. A client that was away resumes from the position of its last event, or from that of a state
//    (position.sql); batches store snapshots, so both are exact (replay.cpp, replay.sql; presence_replay.cpp).
// 8. Expire. Maintenance deletes old batches and truncates the slots whose events have all passed the retention
//    (live.drop_expired_events() in event.sql, called by worker.cpp).
//
// A worker that dies between two steps loses nothing: the first pass of its successor is unconditional and starts from
// the snapshot of the last committed batch. A crash of the server loses signals alone, whose slots are UNLOGGED.
#include "event.hpp"

#include "boundary.hpp"
#include "event_slots.hpp"
#include "payload.hpp"
#include "query.hpp"
#include "settings.hpp"
#include "shared_state.hpp"
#include "text_view.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/sequence.h"
}

#include <array>

namespace pg_live {

namespace {

// In bytes. A topic may be "followers:" and a user id, which has up to 255 characters of up to 4 bytes.
constexpr size_t topic_limit = 1100;
// Internal topics begin with $, which may precede any topic: "$channel:" and a channel.
constexpr size_t internal_prefix_limit = 16;
constexpr size_t event_limit = 255;
// In bytes as stored. A smaller payload is copied into each of its events, which costs less than looking it up.
constexpr Size copied_payload_limit = 1024;

constinit bool emitted_in_transaction = false;

constinit std::array<KeptPlan, event_slots> event_plans{};
constinit std::array<KeptPlan, signal_slots> signal_plans{};
constinit std::array<KeptPlan, event_slots> reference_plans{}; // of events that refer to the payload of another

// A slot is written for `span` seconds, then rests until all other slots were written. The rest exceeds the retention,
// so the slot is truncated before it is written again.
int current_slot(int slots, int retention) {
  const int64 span = Max(retention / (slots - 2), 1);
  const int64 seconds = GetCurrentTimestamp() / USECS_PER_SEC;
  return static_cast<int>(seconds / span % slots);
}

bool has_control_character(std::string_view name) {
  for (const char character : name)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) return true;
  return false;
}

void check_name(const char *what, std::string_view name, size_t limit) {
  if (name.empty() || name.size() > limit)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must have 1 to %zu bytes", what, limit),
                    errdetail("It has %zu bytes.", name.size())));
  if (has_control_character(name))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not have control characters", what)));
  if (!has_utf8_form(name))
    ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER), errmsg("%s has text that is not UTF-8", what)));
}

[[noreturn]] void refuse_payload(PayloadFlaw flaw, Size limit) {
  if (flaw == PayloadFlaw::text)
    ereport(ERROR,
            (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER), errmsg("payload of an event has text that is not UTF-8")));
  if (flaw == PayloadFlaw::depth)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("payload of an event is nested too deeply"),
                    errdetail("The limit is %d levels.", deepest_payload)));
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("payload of an event is too large as text"),
                  errdetail("The limit is %zu bytes.", limit),
                  errhint("Numbers with an exponent are written out: 1e1000 has 1001 digits.")));
  pg_unreachable();
}

// Readers of a payload recurse into its levels (SQL/JSON paths, clients), and bridges read it as text.
void check_payload(Jsonb *payload, PayloadLimit limit) {
  const Size size = VARSIZE(payload);
  if (size > limit.bytes)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("payload of an event is too large"),
                    errdetail("It has %zu bytes, the limit is %zu.", size, limit.bytes),
                    errhint("Emit a reference, or raise \"%s\".", limit.setting)));
  if (const PayloadFlaw flaw = find_flaw(payload, limit.bytes); flaw != PayloadFlaw::none)
    refuse_payload(flaw, limit.bytes);
}

// The values of a row: `payload` is the payload, or the id of the event that stores it.
struct EventRow {
  std::string_view topic;
  std::string_view event;
  Datum payload;
};

int64 next_id() {
  return nextval_internal(get_relname_relid("event_id", get_namespace_oid("live_private", false)), true);
}

// Returns the id of the event. To be called between SPI_connect and SPI_finish.
int64 insert_row(SPIPlanPtr plan, int slot, const EventRow &row) {
  const int64 id = next_id();
  std::array<Datum, 6> values{FullTransactionIdGetDatum(GetTopFullTransactionId()),
                              Int64GetDatum(id),
                              PointerGetDatum(cstring_to_text_with_len(row.topic.data(), row.topic.size())),
                              PointerGetDatum(cstring_to_text_with_len(row.event.data(), row.event.size())),
                              row.payload,
                              Int16GetDatum(slot)};
  const int result = SPI_execute_plan(plan, values.data(), nullptr, false, 0);
  if (result != SPI_OK_INSERT) elog(ERROR, "cannot store event: %s", SPI_result_code_string(result));
  return id;
}

SPIPlanPtr insert_plan(KeptPlan &plan, const char *table, int slot, const char *payload_column, Oid payload_type) {
  char statement[128];
  snprintf(statement, sizeof statement,
           "insert into live_private.%s_%d (xid, id, topic, event, %s, slot) values ($1, $2, $3, $4, $5, $6)", table,
           slot, payload_column);
  return plan.get(statement, {XID8OID, INT8OID, TEXTOID, TEXTOID, payload_type, INT2OID});
}

SPIPlanPtr event_plan(int slot) { return insert_plan(event_plans[slot], "event", slot, "payload", JSONBOID); }
SPIPlanPtr signal_plan(int slot) { return insert_plan(signal_plans[slot], "signal", slot, "payload", JSONBOID); }
SPIPlanPtr reference_plan(int slot) { return insert_plan(reference_plans[slot], "event", slot, "payload_id", INT8OID); }

int current_event_slot() { return current_slot(event_slots, settings().event_retention); }
int current_signal_slot() { return current_slot(signal_slots, settings().signal_retention); }

int64 store(const EventRow &row, Durability durability) {
  const bool durable = durability == Durability::durable;
  const int slot = durable ? current_event_slot() : current_signal_slot();
  SPI_connect();
  const int64 id = insert_row(durable ? event_plan(slot) : signal_plan(slot), slot, row);
  SPI_finish();
  return id;
}

// Makes the commit of this transaction wake the publisher: the worker, or a bridge where no worker is expected.
void ring_at_commit() {
  emitted_in_transaction = true;
  const DatabaseState *const state = own_database_state();
  if (state == nullptr || !state->worker_expected) Async_Notify("pg_live", "");
}

int64 emit_limited(std::string_view topic, std::string_view event, Jsonb *payload, Durability durability,
                   PayloadLimit limit) {
  check_topic(topic);
  check_name("event", event, event_limit);
  check_payload(payload, limit);
  PreventCommandIfReadOnly("live.emit()"); // the error of the sequence would name neither

  const int64 id = as_owner([=] { return store({topic, event, JsonbPGetDatum(payload)}, durability); });
  ring_at_commit();
  return id;
}

void ring_for_events_at_transaction_end(XactEvent event, void *) {
  switch (event) {
  case XACT_EVENT_COMMIT: // the state is known: ring_at_commit() has looked it up
    if (const DatabaseState *const state = own_database_state(); emitted_in_transaction && state != nullptr)
      ring(state->worker);
    emitted_in_transaction = false;
    break;
  case XACT_EVENT_PREPARE: // its COMMIT PREPARED rings
  case XACT_EVENT_ABORT:
    emitted_in_transaction = false;
    break;
  default:
    break;
  }
}

} // namespace

void check_topic(std::string_view topic) {
  check_name("topic", topic, topic_limit + (topic.starts_with('$') ? internal_prefix_limit : 0));
}

PayloadLimit payload_limit() {
  return {static_cast<Size>(settings().max_payload_size) * 1024, "pg_live.max_payload_size"};
}

PayloadLimit send_limit() {
  const PayloadLimit any = payload_limit();
  const PayloadLimit sent{static_cast<Size>(settings().max_send_size) * 1024, "pg_live.max_send_size"};
  return sent.bytes < any.bytes ? sent : any;
}

int64 emit_event(std::string_view topic, std::string_view event, Jsonb *payload, Durability durability) {
  return emit_limited(topic, event, payload, durability, payload_limit());
}

void watch_transactions() {
  RegisterXactCallback(
      [](XactEvent event, void *argument) { guard([=] { ring_for_events_at_transaction_end(event, argument); }); },
      nullptr);
}

namespace {

Datum emit_body(FunctionCallInfo fcinfo) { PG_RETURN_INT64(emit_arguments(fcinfo, payload_limit())); }

// The elements of a text array. A null element raises 22004.
struct Texts {
  Datum *values;
  int count;

  static Texts of(FunctionCallInfo fcinfo, int argument) {
    Texts texts{};
    bool *nulls = nullptr;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &texts.values, &nulls,
                      &texts.count);
    for (int place = 0; place < texts.count; ++place)
      if (nulls[place])
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("topics and events must not be null")));
    return texts;
  }

  std::string_view operator[](int place) const { return view(DatumGetTextPP(values[place])); }
};

// All rows go to one slot, since a shared payload is looked up in the slot of the event that refers to it.
void store_each(const Texts &topics, const Texts &events, Jsonb *payload) {
  const int slot = current_event_slot();
  const bool is_shared = VARSIZE(payload) > copied_payload_limit;
  int64 first = 0;
  SPI_connect();
  for (int event = 0; event < topics.count; ++event) {
    const bool is_reference = is_shared && event > 0;
    const int64 id =
        insert_row(is_reference ? reference_plan(slot) : event_plan(slot), slot,
                   {topics[event], events[event], is_reference ? Int64GetDatum(first) : JsonbPGetDatum(payload)});
    if (event == 0) first = id;
  }
  SPI_finish();
}

Datum emit_each_body(FunctionCallInfo fcinfo) {
  for (int argument = 0; argument < 3; ++argument)
    if (PG_ARGISNULL(argument))
      ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("topics, events and payload must not be null")));
  const Texts topics = Texts::of(fcinfo, 0);
  const Texts events = Texts::of(fcinfo, 1);
  if (topics.count != events.count)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("each event needs a topic"),
                    errdetail("There are %d topics and %d events.", topics.count, events.count)));
  for (int event = 0; event < topics.count; ++event) {
    check_topic(topics[event]);
    check_name("event", events[event], event_limit);
  }
  Jsonb *const payload = PG_GETARG_JSONB_P(2);
  check_payload(payload, payload_limit());
  PreventCommandIfReadOnly("live_private.emit_each()");
  as_owner([=] {
    store_each(topics, events, payload);
    return 0;
  });
  if (topics.count > 0) ring_at_commit();
  PG_RETURN_VOID();
}

Datum is_topic_name_body(FunctionCallInfo fcinfo) {
  const std::string_view name = text_argument(fcinfo, 0, "topic");
  PG_RETURN_BOOL(!name.empty() && name.size() <= topic_limit && !has_control_character(name) && has_utf8_form(name));
}

} // namespace

int64 emit_arguments(FunctionCallInfo fcinfo, PayloadLimit limit) {
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  const std::string_view event = text_argument(fcinfo, 1, "event");
  if (PG_ARGISNULL(2)) ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("payload must not be null")));
  if (PG_ARGISNULL(3)) ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("durable must not be null")));
  const Durability durability = PG_GETARG_BOOL(3) ? Durability::durable : Durability::signal;
  return emit_limited(topic, event, PG_GETARG_JSONB_P(2), durability, limit);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_emit);
PG_FUNCTION_INFO_V1(pg_live_emit_each);
PG_FUNCTION_INFO_V1(pg_live_is_topic_name);
extern PGDLLEXPORT Datum pg_live_emit_each(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_emit(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_is_topic_name(PG_FUNCTION_ARGS);

Datum pg_live_emit(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::emit_body>(fcinfo); }
Datum pg_live_emit_each(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::emit_each_body>(fcinfo); }
Datum pg_live_is_topic_name(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_topic_name_body>(fcinfo); }
}
