// The trigger of live.track_activity(). It runs with the rights of the user who changes the rows, and reads column
// values with those rights (row_value.hpp); the extension's owner stores nothing but text and jsonb.
//
// It never fails the statement because of values in the rows: it leaves them out, with a warning.
#include "boundary.hpp"
#include "claims.hpp"
#include "metadata.hpp"
#include "query.hpp"
#include "row_value.hpp"

extern "C" {
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
}

#include <array>

namespace pg_live {

namespace {

constexpr int batch_size = 1000;     // bounds the memory of a statement on many rows
constexpr int trigger_arguments = 5; // with a sixth for updates of certain columns

struct Column {
  const char *name;
  AttrNumber number; // 0: the table no longer has the column
  bool left_out;
};

struct Columns {
  Column *items;
  int count;
};

// The arguments of the trigger. Columns are named, since a dump and restore may change their numbers.
struct Tracking {
  Relation relation;
  const char *activity_type;
  const char *entity_type;
  const char *visibility;
  Column key;
  Columns metadata;
  Columns compared; // empty: all columns
};

struct Batch {
  MemoryContext context; // of the values in the arrays
  int count;
  std::array<Datum, batch_size> ids;
  std::array<bool, batch_size> has_no_id;
  std::array<Datum, batch_size> metadata;
};

struct Rows {
  Tuplestorestate *store;
  TupleTableSlot *slot;
};

AttrNumber column_number(TupleDesc description, const char *name) {
  for (int index = 0; index < description->natts; ++index) {
    const Form_pg_attribute attribute = TupleDescAttr(description, index);
    if (!attribute->attisdropped && namestrcmp(&attribute->attname, name) == 0) return attribute->attnum;
  }
  return 0;
}

Columns parse_columns(TupleDesc description, char *list) {
  ArrayType *const names = DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, list, TEXTOID, -1));
  Datum *values = nullptr;
  bool *nulls = nullptr;
  Columns columns = {nullptr, 0};
  deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &columns.count);
  columns.items = static_cast<Column *>(palloc0(sizeof(Column) * static_cast<Size>(Max(columns.count, 1))));
  for (int index = 0; index < columns.count; ++index) {
    const char *const name = nulls[index] ? "" : TextDatumGetCString(values[index]);
    columns.items[index] = {name, column_number(description, name), false};
  }
  return columns;
}

Tracking parse_arguments(const TriggerData *data) {
  const Trigger *const trigger = data->tg_trigger;
  const TupleDesc description = RelationGetDescr(data->tg_relation);
  char **const argument = trigger->tgargs;
  Tracking tracking = {data->tg_relation,
                       argument[0],
                       argument[1],
                       argument[2],
                       {argument[3], column_number(description, argument[3]), false},
                       parse_columns(description, argument[4]),
                       {nullptr, 0}};
  if (trigger->tgnargs > trigger_arguments) tracking.compared = parse_columns(description, argument[trigger_arguments]);
  return tracking;
}

const char *table_name(const Tracking &tracking) {
  return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(tracking.relation)),
                                    RelationGetRelationName(tracking.relation));
}

void warn_of_missing_column(const Tracking &tracking, const char *name) {
  ereport(WARNING, (errmsg("table %s has no column \"%s\" any more", table_name(tracking), name),
                    errdetail("Its activities are logged without it, and not at all if it was the key."),
                    errhint("Call live.track_activity() for the table again.")));
}

NullableDatum column_value(TupleTableSlot *row, AttrNumber number) {
  NullableDatum value = {};
  value.value = slot_getattr(row, number, &value.isnull);
  return value;
}

Oid column_type(TupleTableSlot *row, AttrNumber number) {
  return TupleDescAttr(row->tts_tupleDescriptor, number - 1)->atttypid;
}

// Compares the stored bytes: the operators could be defined by the app.
bool differs(TupleTableSlot *before, TupleTableSlot *after, AttrNumber number) {
  const Form_pg_attribute attribute = TupleDescAttr(after->tts_tupleDescriptor, number - 1);
  if (attribute->attisdropped) return false;
  const NullableDatum old_value = column_value(before, number);
  const NullableDatum new_value = column_value(after, number);
  if (old_value.isnull || new_value.isnull) return old_value.isnull != new_value.isnull;
  return !datum_image_eq(old_value.value, new_value.value, attribute->attbyval, attribute->attlen);
}

bool has_changed(const Columns &compared, TupleTableSlot *before, TupleTableSlot *after) {
  for (int index = 0; index < compared.count; ++index)
    if (const AttrNumber number = compared.items[index].number; number != 0 && differs(before, after, number))
      return true;
  if (compared.count > 0) return false;
  for (int number = 1; number <= after->tts_tupleDescriptor->natts; ++number)
    if (differs(before, after, static_cast<AttrNumber>(number))) return true;
  return false;
}

// Builds metadata from the first `count` columns that are not left out. If a value cannot be metadata, marks its column
// as left out and returns null.
Jsonb *build_metadata(Columns &columns, int count, TupleTableSlot *row) {
  JsonbParseState *state = nullptr;
  pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
  for (int index = 0; index < count; ++index) {
    Column &column = columns.items[index];
    if (column.left_out || column.number == 0) continue;
    JsonbValue key;
    key.type = jbvString;
    key.val.string.val = const_cast<char *>(column.name);
    key.val.string.len = static_cast<int>(strlen(column.name));
    pushJsonbValue(&state, WJB_KEY, &key);
    if (!push_value(&state, WJB_VALUE, column_value(row, column.number), column_type(row, column.number),
                    deepest_metadata - 1)) {
      column.left_out = true;
      return nullptr;
    }
  }
  return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
}

// The metadata of one row, from those columns that fit, in their order.
Jsonb *metadata_that_fits(Columns &columns, TupleTableSlot *row) {
  Jsonb *const all = build_metadata(columns, columns.count, row);
  if (all != nullptr && find_metadata_flaw(all).message == nullptr) return all;
  for (int count = 1; count <= columns.count; ++count) {
    Jsonb *const some = build_metadata(columns, count, row);
    if (some != nullptr && find_metadata_flaw(some).message != nullptr) columns.items[count - 1].left_out = true;
  }
  return build_metadata(columns, columns.count, row);
}

void add_row(Batch &batch, const Tracking &tracking, bool *was_left_out, TupleTableSlot *row) {
  const MemoryContext caller = MemoryContextSwitchTo(batch.context);
  const NullableDatum key = column_value(row, tracking.key.number);
  text *const id = key.isnull ? nullptr : row_id(key.value, column_type(row, tracking.key.number));
  Columns columns = tracking.metadata;
  for (int index = 0; index < columns.count; ++index)
    columns.items[index].left_out = false;
  batch.ids[batch.count] = PointerGetDatum(id);
  batch.has_no_id[batch.count] = id == nullptr;
  batch.metadata[batch.count] = JsonbPGetDatum(metadata_that_fits(columns, row));
  ++batch.count;
  for (int index = 0; index < columns.count; ++index)
    was_left_out[index] = was_left_out[index] || columns.items[index].left_out;
  MemoryContextSwitchTo(caller);
}

Datum array_of(Datum *values, bool *nulls, int count, Oid type) {
  int dimension = count;
  int first = 1;
  return PointerGetDatum(construct_md_array(values, nulls, 1, &dimension, &first, type, -1, false, TYPALIGN_INT));
}

// Stores the rows of the batch and empties it. Returns how many of them have no usable id.
int64 store(Batch &batch, const Tracking &tracking) {
  static constinit KeptPlan plan;
  if (batch.count == 0) return 0;
  const MemoryContext caller = MemoryContextSwitchTo(batch.context);
  std::array<Datum, trigger_arguments> values{CStringGetTextDatum(tracking.activity_type),
                                              CStringGetTextDatum(tracking.entity_type),
                                              CStringGetTextDatum(tracking.visibility),
                                              array_of(batch.ids.data(), batch.has_no_id.data(), batch.count, TEXTOID),
                                              array_of(batch.metadata.data(), nullptr, batch.count, JSONBOID)};
  const int64 stored = as_owner([&values] {
    return DatumGetInt64(
        query_value(plan, "select live_private.store_changes($1, $2, $3::live.activity_visibility, $4, $5)",
                    {TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, JSONBARRAYOID}, values.data(), nullptr, Effects::writes)
            .value);
  });
  MemoryContextSwitchTo(caller);
  const int64 refused = batch.count - stored;
  batch.count = 0;
  MemoryContextReset(batch.context);
  return refused;
}

Rows open_rows(Tuplestorestate *rows, TupleDesc description) {
  if (rows == nullptr) return {nullptr, nullptr};
  tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
  tuplestore_rescan(rows);
  return {rows, MakeSingleTupleTableSlot(description, &TTSOpsMinimalTuple)};
}

bool next_row(const Rows &rows) {
  return rows.store != nullptr && tuplestore_gettupleslot(rows.store, true, false, rows.slot);
}

// A row that moves to a partition whose trigger drops it appears among the old rows only; then rows cannot be paired.
bool has_pairs(const Rows &before, const Rows &after) {
  return before.store != nullptr && after.store != nullptr &&
         tuplestore_tuple_count(before.store) == tuplestore_tuple_count(after.store);
}

void warn(const Tracking &tracking, int64 refused, const bool *was_left_out) {
  if (refused > 0)
    ereport(WARNING,
            (errmsg("changes of %lld rows of table %s were not logged as activities", static_cast<long long>(refused),
                    table_name(tracking)),
             errdetail("As text, column \"%s\" does not have 1 to 255 characters, or it has control characters.",
                       tracking.key.name)));
  StringInfoData names;
  initStringInfo(&names);
  for (int index = 0; index < tracking.metadata.count; ++index)
    if (was_left_out[index])
      appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ",
                       quote_identifier(tracking.metadata.items[index].name));
  if (names.len > 0)
    ereport(WARNING, (errmsg("metadata of activities of table %s is not complete", table_name(tracking)),
                      errdetail("Of some rows these columns do not fit: %s.", names.data),
                      errhint("See live_private.checked_metadata() for the limits of metadata.")));
}

void track_rows(const TriggerData *data, const Tracking &tracking) {
  const TupleDesc description = RelationGetDescr(data->tg_relation);
  const Rows before = open_rows(data->tg_oldtable, description);
  const Rows after = open_rows(data->tg_newtable, description);
  const bool compare = has_pairs(before, after);
  const Rows &touched = after.store != nullptr ? after : before;
  auto *const batch = static_cast<Batch *>(palloc(sizeof(Batch)));
  batch->context = AllocSetContextCreate(CurrentMemoryContext, "tracked rows", ALLOCSET_DEFAULT_SIZES);
  batch->count = 0;
  auto *const was_left_out = static_cast<bool *>(palloc0(static_cast<Size>(tracking.metadata.count) + 1));
  int64 refused = 0;
  int nest_level = pin_formats();
  while (next_row(touched)) {
    CHECK_FOR_INTERRUPTS();
    if (compare && next_row(before) && !has_changed(tracking.compared, before.slot, after.slot)) continue;
    add_row(*batch, tracking, was_left_out, touched.slot);
    if (batch->count < batch_size) continue;
    restore_formats(nest_level);
    refused += store(*batch, tracking);
    nest_level = pin_formats();
  }
  restore_formats(nest_level);
  refused += store(*batch, tracking);
  warn(tracking, refused, was_left_out);
  for (const Rows &rows : {before, after})
    if (rows.slot != nullptr) ExecDropSingleTupleTableSlot(rows.slot);
  MemoryContextDelete(batch->context);
}

const TriggerData *trigger_data(FunctionCallInfo fcinfo) {
  const auto *const data = CALLED_AS_TRIGGER(fcinfo) ? reinterpret_cast<TriggerData *>(fcinfo->context) : nullptr;
  if (data == nullptr || !TRIGGER_FIRED_AFTER(data->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) ||
      (data->tg_oldtable == nullptr && data->tg_newtable == nullptr) || data->tg_trigger->tgnargs < trigger_arguments)
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("live_private.track_row() can only be called by a trigger of live.track_activity()")));
  return data;
}

Datum track_row_body(FunctionCallInfo fcinfo) {
  const TriggerData *const data = trigger_data(fcinfo);
  // Changes by jobs and administrators are activities of no user.
  if (!is_signed_in()) return PointerGetDatum(nullptr);
  const Tracking tracking = parse_arguments(data);
  for (int index = 0; index < tracking.metadata.count; ++index)
    if (tracking.metadata.items[index].number == 0)
      warn_of_missing_column(tracking, tracking.metadata.items[index].name);
  for (int index = 0; index < tracking.compared.count; ++index)
    if (tracking.compared.items[index].number == 0)
      warn_of_missing_column(tracking, tracking.compared.items[index].name);
  if (tracking.key.number == 0)
    warn_of_missing_column(tracking, tracking.key.name);
  else
    track_rows(data, tracking);
  return PointerGetDatum(nullptr);
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_track_row);
extern PGDLLEXPORT Datum pg_live_track_row(PG_FUNCTION_ARGS);

Datum pg_live_track_row(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::track_row_body>(fcinfo); }
}
