// SQL functions that fail in every way a C++ function in a backend can: for tests of extension/boundary.hpp, whose
// code is compiled into this library. Never installed.
#include "boundary.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

extern "C" {
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(boundary_throw);
PG_FUNCTION_INFO_V1(boundary_raise);
PG_FUNCTION_INFO_V1(boundary_run);
PG_FUNCTION_INFO_V1(boundary_state);
extern PGDLLEXPORT Datum boundary_throw(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum boundary_raise(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum boundary_run(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum boundary_state(PG_FUNCTION_ARGS);
}

namespace {

using namespace std::string_view_literals;

constinit int alive = 0;
constinit int destroyed = 0;

// An object that needs its destructor, as a std::string does.
class Witness {
 public:
  Witness() { ++alive; }
  ~Witness() {
    --alive;
    ++destroyed;
  }
  Witness(const Witness &) = delete;
  Witness &operator=(const Witness &) = delete;
};

struct Unrelated {};

// Throws what the argument names.
Datum throw_body(FunctionCallInfo fcinfo) {
  const text *const argument = PG_GETARG_TEXT_PP(0);
  const std::string_view kind{VARDATA_ANY(argument), static_cast<size_t>(VARSIZE_ANY_EXHDR(argument))};
  const Witness witness;
  if (kind == "runtime_error"sv) throw std::runtime_error("the engine failed: 100%s");
  if (kind == "long"sv) throw std::runtime_error(std::string(10'000, 'x'));
  if (kind == "bad_alloc"sv) throw std::bad_alloc();
  if (kind == "sql_error"sv)
    throw pg_live::SqlError{ERRCODE_INVALID_PARAMETER_VALUE, "the topic is unknown", "Name a topic."};
  throw Unrelated{};
}

// Raises a PostgreSQL error with all its parts, from under a frame that holds a C++ object.
Datum raise_body(FunctionCallInfo) {
  const Witness witness;
  pg_live::call([] {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('P', '7', '0', '0', '1')), errmsg("raised inside"), errdetail("The detail."),
                    errhint("The hint.")));
  });
  PG_RETURN_VOID();
}

// Runs a statement, which may raise, be cancelled or call these functions again. What arrives here as an exception
// leaves the memory context as it was.
Datum run_body(FunctionCallInfo fcinfo) {
  const char *const statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const MemoryContext context = CurrentMemoryContext;
  const Witness witness;
  try {
    pg_live::call([statement] {
      SPI_connect();
      SPI_execute(statement, false, 0);
      SPI_finish();
    });
  } catch (const pg_live::PgError &) {
    if (CurrentMemoryContext != context) throw std::logic_error("the memory context has changed");
    throw;
  }
  PG_RETURN_VOID();
}

// What is left behind: exceptions in flight, objects alive, objects destroyed since the last look.
Datum state_body(FunctionCallInfo) {
  const bool clean = std::uncaught_exceptions() == 0 && std::current_exception() == nullptr;
  char *const state = psprintf("%s, %d alive, %d destroyed", clean ? "clean" : "an exception is in flight", alive,
                               std::exchange(destroyed, 0));
  PG_RETURN_TEXT_P(cstring_to_text(state));
}

} // namespace

Datum boundary_throw(PG_FUNCTION_ARGS) { return pg_live::entry<throw_body>(fcinfo); }
Datum boundary_raise(PG_FUNCTION_ARGS) { return pg_live::entry<raise_body>(fcinfo); }
Datum boundary_run(PG_FUNCTION_ARGS) { return pg_live::entry<run_body>(fcinfo); }
Datum boundary_state(PG_FUNCTION_ARGS) { return pg_live::entry<state_body>(fcinfo); }
