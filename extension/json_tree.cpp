// Builds the document of a json session from its leaves in one pass: in the order of their paths, those of one object
// follow one another.
#include "boundary.hpp"
#include "query.hpp"
#include "text_view.hpp"

extern "C" {
#include "utils/array.h"
#include "utils/jsonb.h"
}

namespace pg_live {

namespace {

struct Path {
  Datum *names;
  int count;
};

Path path_of(Datum value) {
  Path path{};
  bool *nulls = nullptr;
  deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &path.names, &nulls, &path.count);
  return path;
}

void push_name(JsonbParseState **state, Datum name) {
  text *const value = DatumGetTextPP(name);
  JsonbValue key{};
  key.type = jbvString;
  key.val.string.val = VARDATA_ANY(value);
  key.val.string.len = static_cast<int>(VARSIZE_ANY_EXHDR(value));
  pushJsonbValue(state, WJB_KEY, &key);
}

void push_leaf(JsonbParseState **state, Jsonb *leaf) {
  JsonbValue value{};
  if (!JB_ROOT_IS_SCALAR(leaf) || !JsonbExtractScalar(&leaf->root, &value)) {
    value.type = jbvBinary;
    value.val.binary.data = &leaf->root;
    value.val.binary.len = static_cast<int>(VARSIZE(leaf) - VARHDRSZ);
  }
  pushJsonbValue(state, WJB_VALUE, &value);
}

bool is_same(Datum one, Datum other) { return view(DatumGetTextPP(one)) == view(DatumGetTextPP(other)); }

// Ends the objects that a leaf is not in, and begins those that it is in: `open` are the names of those that are open.
void move_to(JsonbParseState **state, Path &open, Path leaf) {
  const int objects = leaf.count - 1;
  int common = 0;
  while (common < Min(open.count, objects) && is_same(open.names[common], leaf.names[common]))
    ++common;
  for (int level = open.count; level > common; --level)
    pushJsonbValue(state, WJB_END_OBJECT, nullptr);
  for (int level = common; level < objects; ++level) {
    push_name(state, leaf.names[level]);
    pushJsonbValue(state, WJB_BEGIN_OBJECT, nullptr);
  }
  open = {leaf.names, objects};
}

Jsonb *tree_of(const SPITupleTable *leaves) {
  JsonbParseState *state = nullptr;
  Path open{};
  pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
  for (uint64 row = 0; row < leaves->numvals; ++row) {
    CHECK_FOR_INTERRUPTS();
    bool is_null = false; // neither column is
    const Path leaf = path_of(SPI_getbinval(leaves->vals[row], leaves->tupdesc, 1, &is_null));
    move_to(&state, open, leaf);
    push_name(&state, leaf.names[leaf.count - 1]);
    push_leaf(&state, DatumGetJsonbP(SPI_getbinval(leaves->vals[row], leaves->tupdesc, 2, &is_null)));
  }
  for (int level = open.count; level > 0; --level)
    pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
  return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
}

Datum json_of_leaves_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  constexpr const char *query = "select l.path, l.value from live_private.json_leaf l where l.session_id "
                                "operator(pg_catalog.=) $1 order by l.path";
  Datum session = PG_GETARG_DATUM(0);
  SPI_connect();
  if (SPI_execute_plan(plan.get(query, {UUIDOID}), &session, nullptr, true, 0) != SPI_OK_SELECT)
    elog(ERROR, "cannot read the leaves of a document");
  const Datum document = SPI_datumTransfer(JsonbPGetDatum(tree_of(SPI_tuptable)), false, -1);
  SPI_finish();
  return document;
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_json_of_leaves);
extern PGDLLEXPORT Datum pg_live_json_of_leaves(PG_FUNCTION_ARGS);

Datum pg_live_json_of_leaves(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::json_of_leaves_body>(fcinfo); }
}
