// The history of text sessions: what operation wrote which part, and what changes one version into another.
//
// The C++ objects of these functions are crossed by no longjmp: what calls PostgreSQL runs inside call().
#include "merge/blame.hpp"
#include "merge/text_difference.hpp"
#include "text/utf16.hpp"

#include "boundary.hpp"
#include "change_set.hpp"
#include "text_view.hpp"

extern "C" {
#include "funcapi.h"
#include "utils/builtins.h"
}

#include <array>
#include <string>

namespace pg_live {

namespace {

void return_runs(ReturnSetInfo *result, const Blame &blame, std::string_view text) {
  Utf16Reader reader(text);
  size_t position = 0;
  for (const Blame::Run &run : blame.runs()) {
    const auto part = reader.take(run.length);
    if (!part) refuse(ChangeSetError::divided_character);
    const size_t end = position + run.length;
    call([=] {
      std::array<Datum, 4> values{Int32GetDatum(static_cast<int32>(position)), Int32GetDatum(static_cast<int32>(end)),
                                  Int64GetDatum(run.version),
                                  PointerGetDatum(cstring_to_text_with_len(part->data(), part->size()))};
      std::array<bool, 4> nulls{};
      tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
    });
    position = end;
  }
}

Datum blame_text_body(FunctionCallInfo fcinfo) {
  require_utf8();
  const std::string_view before = call([=] {
    InitMaterializedSRF(fcinfo, 0);
    return view(PG_GETARG_TEXT_PP(0));
  });
  int64 version = PG_GETARG_INT64(1);
  Document document = document_of(before);
  Blame blame(document.length(), version);
  for_each_change_set(fcinfo, 2, [&](const ChangeSet &change) {
    check(document.apply(change));
    check(blame.apply(change, ++version));
  });
  return_runs(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), blame, text_of(document));
  return Datum{0};
}

Datum text_difference_body(FunctionCallInfo fcinfo) {
  require_utf8();
  struct Texts {
    std::string_view before;
    std::string_view after;
  };
  const Texts texts = call([=] { return Texts{view(PG_GETARG_TEXT_PP(0)), view(PG_GETARG_TEXT_PP(1))}; });
  const std::string change = checked(text_difference(texts.before, texts.after)).to_json();
  const char *const json = change.c_str();
  return call([=] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json)); });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_blame_text);
PG_FUNCTION_INFO_V1(pg_live_text_difference);
extern PGDLLEXPORT Datum pg_live_blame_text(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_text_difference(PG_FUNCTION_ARGS);

Datum pg_live_blame_text(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::blame_text_body>(fcinfo); }
Datum pg_live_text_difference(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::text_difference_body>(fcinfo); }
}
