// Writes events and rings the publisher's bell. The hot path of every writer: nothing here is shared between writers
// but the sequence, and nothing but a latch is touched at commit.
#include "event.hpp"

#include "boundary.hpp"
#include "event_slots.hpp"
#include "payload.hpp"
#include "query.hpp"
#include "settings.hpp"
#include "shared_state.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/sequence.h"
}

#include <array>

namespace pg_live {

namespace {

// In bytes. A topic may be "followers:" and a user id, which has up to 255 characters of up to 4 bytes.
constexpr size_t topic_limit = 1100;
// Topics of the extension's own begin with $, and may go on with any topic: "$channel:" and a channel.
constexpr size_t internal_prefix_limit = 16;
constexpr size_t event_limit = 255;

constinit bool emitted_in_transaction = false;

constinit std::array<KeptPlan, event_slots> event_plans{};
constinit std::array<KeptPlan, signal_slots> signal_plans{};

// A slot is written for `span` seconds, then rests until all slots had their turn; the rest is longer than the
// retention, so the slot can be truncated before it is written again.
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

// What reads all of a payload goes down level by level, SQL/JSON paths and clients, and bridges read it as text.
void check_payload(Jsonb *payload, PayloadLimit limit) {
  const Size size = VARSIZE(payload);
  if (size > limit.bytes)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("payload of an event is too large"),
                    errdetail("It has %zu bytes, the limit is %zu.", size, limit.bytes),
                    errhint("Emit a reference, or raise \"%s\".", limit.setting)));
  if (const PayloadFlaw flaw = find_flaw(payload, limit.bytes); flaw != PayloadFlaw::none)
    refuse_payload(flaw, limit.bytes);
}

SPIPlanPtr insert_plan(Durability durability, int slot) {
  const bool durable = durability == Durability::durable;
  char statement[128];
  snprintf(statement, sizeof statement,
           "insert into live_private.%s_%d (xid, id, topic, event, payload, slot) values ($1, $2, $3, $4, $5, $6)",
           durable ? "event" : "signal", slot);
  return (durable ? event_plans[slot] : signal_plans[slot])
      .get(statement, {XID8OID, INT8OID, TEXTOID, TEXTOID, JSONBOID, INT2OID});
}

void insert_row(std::string_view topic, std::string_view event, Jsonb *payload, Durability durability, int64 id) {
  const bool durable = durability == Durability::durable;
  const int slot = durable ? current_slot(event_slots, settings().event_retention)
                           : current_slot(signal_slots, settings().signal_retention);
  std::array<Datum, 6> values{FullTransactionIdGetDatum(GetTopFullTransactionId()),
                              Int64GetDatum(id),
                              PointerGetDatum(cstring_to_text_with_len(topic.data(), topic.size())),
                              PointerGetDatum(cstring_to_text_with_len(event.data(), event.size())),
                              JsonbPGetDatum(payload),
                              Int16GetDatum(slot)};
  SPI_connect();
  const int result = SPI_execute_plan(insert_plan(durability, slot), values.data(), nullptr, false, 0);
  if (result != SPI_OK_INSERT) elog(ERROR, "cannot store event: %s", SPI_result_code_string(result));
  SPI_finish();
}

// Makes the commit of this transaction wake whoever publishes.
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
  PreventCommandIfReadOnly("live.emit()"); // the sequence would refuse too, in words that name neither

  const int64 id = as_owner([=] {
    const Oid sequence = get_relname_relid("event_id", get_namespace_oid("live_private", false));
    const int64 next = nextval_internal(sequence, true);
    insert_row(topic, event, payload, durability, next);
    return next;
  });
  ring_at_commit();
  return id;
}

void on_transaction_end(XactEvent event, void *) {
  switch (event) {
  case XACT_EVENT_COMMIT: // ring_at_commit() has looked the state up
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
  RegisterXactCallback([](XactEvent event, void *argument) { guard([=] { on_transaction_end(event, argument); }); },
                       nullptr);
}

namespace {

Datum emit_body(FunctionCallInfo fcinfo) { PG_RETURN_INT64(emit_arguments(fcinfo, payload_limit())); }

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
PG_FUNCTION_INFO_V1(pg_live_is_topic_name);
extern PGDLLEXPORT Datum pg_live_emit(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_is_topic_name(PG_FUNCTION_ARGS);

Datum pg_live_emit(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::emit_body>(fcinfo); }
Datum pg_live_is_topic_name(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_topic_name_body>(fcinfo); }
}
