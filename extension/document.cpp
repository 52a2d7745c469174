// Documents of text sessions: rebases what clients submit, and keeps the pieces of the text, see merge/document.hpp.
//
// The C++ objects of these functions are crossed by no longjmp: what calls PostgreSQL runs inside call().
#include "merge/document.hpp"

#include "boundary.hpp"
#include "change_set.hpp"
#include "merge/rebase.hpp"
#include "query.hpp"
#include "settings.hpp"
#include "text_view.hpp"

#include <array>
#include <string>
#include <vector>

namespace pg_live {

namespace {

constexpr uint64 most_transforms = 1000000; // of submitted operations past those of the log: about a second

std::vector<ChangeSet> parse_each(std::string_view operations) {
  const auto array = json::parse(operations);
  if (!array || array->kind != json::Kind::array)
    throw SqlError{ERRCODE_INVALID_PARAMETER_VALUE, "operations must be a JSON array"};
  std::vector<ChangeSet> changes;
  for (const json::Value &operation : json::elements(*array))
    changes.push_back(checked(ChangeSet::parse(operation)));
  return changes;
}

// The rows of a query whose plan is kept. Valid until SPI_finish.
SPITupleTable *rows_of(KeptPlan &plan, const char *statement, std::initializer_list<Oid> types, const Datum *values) {
  return call([&] {
    const int result = SPI_execute_plan(plan.get(statement, types), const_cast<Datum *>(values), nullptr, false, 0);
    if (result < 0) elog(ERROR, "cannot run \"%s\": %s", statement, SPI_result_code_string(result));
    return SPI_tuptable;
  });
}

// A column of a row as text or as number; none of those read here is null.
std::string_view text_column(SPITupleTable *table, uint64 row, int column) {
  return call([=] {
    bool is_null = false;
    return view(DatumGetTextPP(SPI_getbinval(table->vals[row], table->tupdesc, column, &is_null)));
  });
}

Datum plain_column(SPITupleTable *table, uint64 row, int column) {
  bool is_null = false;
  return SPI_getbinval(table->vals[row], table->tupdesc, column, &is_null);
}

void pass_log(Rebase &rebase, Datum session, Datum base, std::string_view client) {
  static constinit KeptPlan plan;
  const std::array<Datum, 2> values{session, base};
  SPITupleTable *const log = rows_of(plan,
                                     "select o.client_id, o.operation::pg_catalog.text from live.operation o where "
                                     "o.session_id operator(pg_catalog.=) $1 and o.version operator(pg_catalog.>) $2 "
                                     "order by o.version",
                                     {UUIDOID, INT8OID}, values.data());
  if (log->numvals * rebase.pending().size() > most_transforms)
    throw SqlError{ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the base version is too far behind for so many operations",
                   "Receive the operations since the base version first, or submit fewer at once."};
  for (uint64 row = 0; row < log->numvals; ++row) {
    const Author author = text_column(log, row, 1) == client ? Author::same_client : Author::other_client;
    check(rebase.pass(checked(ChangeSet::parse(text_column(log, row, 2))), author));
  }
}

std::vector<Document::StoredPiece> stored_pieces(Datum session) {
  static constinit KeptPlan plan;
  SPITupleTable *const rows = rows_of(plan,
                                      "select p.place, p.length, pg_catalog.octet_length(p.text) from "
                                      "live_private.document_piece p where p.session_id operator(pg_catalog.=) $1 "
                                      "order by p.place",
                                      {UUIDOID}, &session);
  std::vector<Document::StoredPiece> pieces;
  pieces.reserve(rows->numvals);
  for (uint64 row = 0; row < rows->numvals; ++row)
    pieces.push_back({DatumGetInt64(plain_column(rows, row, 1)),
                      static_cast<std::uint32_t>(DatumGetInt32(plain_column(rows, row, 2))),
                      static_cast<std::uint32_t>(DatumGetInt32(plain_column(rows, row, 3)))});
  return pieces;
}

std::string load_piece(Datum session, std::int64_t place) {
  static constinit KeptPlan plan;
  const std::array<Datum, 2> values{session, Int64GetDatum(place)};
  SPITupleTable *const rows = rows_of(plan,
                                      "select p.text from live_private.document_piece p where p.session_id "
                                      "operator(pg_catalog.=) $1 and p.place operator(pg_catalog.=) $2",
                                      {UUIDOID, INT8OID}, values.data());
  return std::string(text_column(rows, 0, 1));
}

void write_piece(Datum session, const Document::Write &write) {
  using Kind = Document::Write::Kind;
  static constinit std::array<KeptPlan, 3> plans{};
  if (write.kind == Kind::remove) {
    const std::array<Datum, 2> values{session, Int64GetDatum(write.place)};
    rows_of(plans[0],
            "delete from live_private.document_piece p where p.session_id operator(pg_catalog.=) $1 and p.place "
            "operator(pg_catalog.=) $2",
            {UUIDOID, INT8OID}, values.data());
    return;
  }
  const std::string_view text = write.text;
  const Datum stored = call([=] { return PointerGetDatum(cstring_to_text_with_len(text.data(), text.size())); });
  const std::array<Datum, 4> values{session, Int64GetDatum(write.place),
                                    Int32GetDatum(static_cast<int32>(write.length)), stored};
  if (write.kind == Kind::insert)
    rows_of(plans[1],
            "insert into live_private.document_piece (session_id, place, length, text) values ($1, $2, $3, $4)",
            {UUIDOID, INT8OID, INT4OID, TEXTOID}, values.data());
  else
    rows_of(plans[2],
            "update live_private.document_piece p set length = $3, text = $4 where p.session_id "
            "operator(pg_catalog.=) $1 and p.place operator(pg_catalog.=) $2",
            {UUIDOID, INT8OID, INT4OID, TEXTOID}, values.data());
}

// A document that is too large since the limit was lowered may still become smaller.
void check_size(size_t before, size_t after) {
  const int limit = settings().max_document_size;
  if (after <= before || after <= static_cast<size_t>(limit) * 1024) return;
  call([=] {
    ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the document would be too large"),
            errdetail("It would have %zu bytes, and the limit is %d kB.", after, limit),
            errhint("Use several sessions, or raise \"pg_live.max_document_size\"."));
  });
}

void change_pieces(Datum session, std::span<const ChangeSet> changes) {
  Document document(stored_pieces(session), [session](std::int64_t place) { return load_piece(session, place); });
  const size_t size = document.size();
  for (const ChangeSet &change : changes)
    check(document.apply(change));
  check_size(size, document.size());
  for (const Document::Write &write : document.finish())
    write_piece(session, write);
}

void return_change_sets(ReturnSetInfo *result, std::span<const ChangeSet> changes) {
  for (const ChangeSet &change : changes) {
    const std::string text = change.to_json();
    const char *const json = text.c_str();
    call([=] {
      Datum value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
      bool is_null = false;
      tuplestore_putvalues(result->setResult, result->setDesc, &value, &is_null);
    });
  }
}

Datum change_document_body(FunctionCallInfo fcinfo) {
  require_utf8();
  Jsonb *const operations = call([=] {
    for (int argument = 0; argument < 4; ++argument)
      if (PG_ARGISNULL(argument)) elog(ERROR, "live_private.change_document() takes no null");
    InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
    return PG_GETARG_JSONB_P(2);
  });
  const Datum session = PG_GETARG_DATUM(0);
  Rebase rebase(parse_each(json_text(operations)));
  const std::string_view client = call([=] { return view(PG_GETARG_TEXT_PP(3)); });
  call([] { SPI_connect(); });
  pass_log(rebase, session, PG_GETARG_DATUM(1), client);
  if (!rebase.pending().empty()) change_pieces(session, rebase.pending());
  call([] { SPI_finish(); });
  return_change_sets(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), rebase.pending());
  return Datum{0};
}

Datum changed_text_body(FunctionCallInfo fcinfo) {
  require_utf8();
  const std::string_view before = call([=] { return view(PG_GETARG_TEXT_PP(0)); });
  Document document = document_of(before);
  for_each_change_set(fcinfo, 1, [&document](const ChangeSet &change) { check(document.apply(change)); });
  const std::string text = text_of(document);
  const std::string_view result = text;
  return call([=] { return PointerGetDatum(cstring_to_text_with_len(result.data(), result.size())); });
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_change_document);
PG_FUNCTION_INFO_V1(pg_live_changed_text);
extern PGDLLEXPORT Datum pg_live_change_document(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_changed_text(PG_FUNCTION_ARGS);

Datum pg_live_change_document(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::change_document_body>(fcinfo); }
Datum pg_live_changed_text(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::changed_text_body>(fcinfo); }
}
