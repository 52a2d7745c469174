// Prepares plans, finds the owner, reads arguments.
#include "query.hpp"
#include "text_view.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "utils/syscache.h"
}

#include <string_view>

namespace pg_live {

SPIPlanPtr KeptPlan::get(const char *statement, std::initializer_list<Oid> types) {
  if (plan_ == nullptr) {
    SPIPlanPtr const prepared =
        SPI_prepare(statement, static_cast<int>(types.size()), const_cast<Oid *>(types.begin()));
    if (prepared == nullptr)
      ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot prepare \"%s\"", statement),
                      errdetail("%s", SPI_result_code_string(SPI_result))));
    SPI_keepplan(prepared);
    plan_ = prepared;
  }
  return plan_;
}

namespace {

// Returns the single value of the query that returned `result`. Ends the connection to SPI.
NullableDatum finish_with_value(int result, const char *statement) {
  if (result != SPI_OK_SELECT || SPI_processed != 1) elog(ERROR, "unexpected result of \"%s\"", statement);
  const TupleDesc description = SPI_tuptable->tupdesc;
  NullableDatum value{};
  value.value = SPI_getbinval(SPI_tuptable->vals[0], description, 1, &value.isnull);
  const Form_pg_attribute column = TupleDescAttr(description, 0);
  if (!value.isnull) value.value = SPI_datumTransfer(value.value, column->attbyval, column->attlen);
  SPI_finish();
  return value;
}

} // namespace

NullableDatum query_value(KeptPlan &plan, const char *statement, std::initializer_list<Oid> types, const Datum *values,
                          const char *nulls, Effects effects) {
  SPI_connect();
  const int result =
      SPI_execute_plan(plan.get(statement, types), const_cast<Datum *>(values), nulls, effects == Effects::none, 1);
  return finish_with_value(result, statement);
}

NullableDatum query_value(const char *statement, Effects effects) {
  SPI_connect();
  return finish_with_value(SPI_execute(statement, effects == Effects::none, 1), statement);
}

Oid extension_owner() {
  const HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("live"));
  if (!HeapTupleIsValid(tuple))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("schema \"live\" is missing")));
  const Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple))->nspowner;
  ReleaseSysCache(tuple);
  return owner;
}

void return_rows(ReturnSetInfo *result) {
  for (uint64 row = 0; row < SPI_processed; ++row)
    tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
}

std::string_view text_argument(FunctionCallInfo fcinfo, int index, const char *name) {
  if (PG_ARGISNULL(index))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
  return view(PG_GETARG_TEXT_PP(index));
}

} // namespace pg_live
