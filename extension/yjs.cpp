// live.yjs_state_vector(), live.yjs_merge() and live.yjs_diff(): the functions of merge/yjs_merge.hpp for values of
// SQL.
//
// The C++ objects of these functions are crossed by no longjmp: what calls PostgreSQL runs inside call().
#include "yjs_value.hpp"

#include "boundary.hpp"
#include "merge/yjs_merge.hpp"

#include <optional>
#include <utility>

namespace pg_live {

namespace {

[[noreturn]] void refuse(const char *what, yjs::Error error) {
  call([=] {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid %s of Yjs: %s", what, yjs::message(error.fault).data()),
                    errdetail("The fault is at byte %zu.", error.offset)));
  });
  pg_unreachable();
}

struct Elements {
  Datum *values;
  bool *nulls;
  int count;
};

Elements elements_argument(FunctionCallInfo fcinfo, int index) {
  return call([=] {
    Elements elements{};
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(index), BYTEAOID, -1, false, TYPALIGN_INT, &elements.values,
                      &elements.nulls, &elements.count);
    return elements;
  });
}

std::string_view bytes_of(Datum value) {
  return call([=] {
    const bytea *const bytes = DatumGetByteaPP(value);
    return std::string_view{VARDATA_ANY(bytes), static_cast<size_t>(VARSIZE_ANY_EXHDR(bytes))};
  });
}

Datum state_vector_body(FunctionCallInfo fcinfo) {
  const yjs::Contents contents = yjs::united(updates_argument(fcinfo, 0));
  return bytes_datum(yjs::encode(yjs::StateVector(contents.structs)));
}

Datum merge_body(FunctionCallInfo fcinfo) { return bytes_datum(yjs::merge(updates_argument(fcinfo, 0))); }

Datum diff_body(FunctionCallInfo fcinfo) {
  const yjs::Update update = checked_update(bytes_argument(fcinfo, 0));
  yjs::Error error{};
  const auto known = yjs::read_state_vector(bytes_argument(fcinfo, 1), &error);
  if (!known) refuse("state vector", error);
  return bytes_datum(yjs::diff(update, *known));
}

} // namespace

std::string_view bytes_argument(FunctionCallInfo fcinfo, int index) { return bytes_of(fcinfo->args[index].value); }

Datum bytes_datum(std::string_view bytes) {
  return call([=] {
    auto *const result = static_cast<bytea *>(palloc(bytes.size() + VARHDRSZ));
    SET_VARSIZE(result, bytes.size() + VARHDRSZ);
    memcpy(VARDATA(result), bytes.data(), bytes.size());
    return PointerGetDatum(result);
  });
}

yjs::Update checked_update(std::string_view bytes) {
  yjs::Error error{};
  std::optional<yjs::Update> update = yjs::read_update(bytes, &error);
  if (!update) refuse("update", error);
  return std::move(*update);
}

std::vector<yjs::Update> updates_argument(FunctionCallInfo fcinfo, int index) {
  const Elements elements = elements_argument(fcinfo, index);
  std::vector<yjs::Update> updates;
  updates.reserve(static_cast<size_t>(elements.count));
  for (int place = 0; place < elements.count; ++place) {
    call([] { CHECK_FOR_INTERRUPTS(); });
    if (elements.nulls[place])
      throw SqlError{ERRCODE_NULL_VALUE_NOT_ALLOWED, "an array of updates must not have a null"};
    updates.push_back(checked_update(bytes_of(elements.values[place])));
  }
  return updates;
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_yjs_state_vector);
PG_FUNCTION_INFO_V1(pg_live_yjs_merge);
PG_FUNCTION_INFO_V1(pg_live_yjs_diff);
extern PGDLLEXPORT Datum pg_live_yjs_state_vector(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_yjs_merge(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_yjs_diff(PG_FUNCTION_ARGS);

Datum pg_live_yjs_state_vector(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::state_vector_body>(fcinfo); }
Datum pg_live_yjs_merge(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::merge_body>(fcinfo); }
Datum pg_live_yjs_diff(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::diff_body>(fcinfo); }
}
