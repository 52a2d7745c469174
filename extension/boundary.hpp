// The wall between C++ exceptions and PostgreSQL's longjmp errors: the only place with sigsetjmp and catch-all.
//
// PostgreSQL -> C++: every function the backend calls (SQL function, hook, callback, worker main) runs inside guard()
// or entry<>. An exception becomes an ereport after its catch block was left, when no C++ object is alive any more.
// C++ -> PostgreSQL: frames that call the backend hold only trivially destructible objects, or wrap the call in call(),
// which turns an ereport into a PgError that keeps the whole ErrorData (SQLSTATE, DETAIL, HINT, CONTEXT).
// PG_TRY is never used: throwing out of it leaves PG_exception_stack dangling.
#pragma once

#include "postgres.hpp"

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace pg_live {

// An error raised by C++ code that must not ereport. Its texts must be string literals, since they are not copied.
struct SqlError {
  int sqlstate;
  const char *message;
  const char *hint = nullptr;
};

// An error that PostgreSQL raised inside call(). The data lives in the memory context that was current at the call.
struct PgError {
  ErrorData *data;
};

namespace boundary {

// An exception as plain data, which outlives the catch block and has no destructor. The constructor does not clear the
// whole message, since every call constructs one and a policy may call on every row.
struct Failure {
  Failure() { message[0] = '\0'; }
  ErrorData *data = nullptr;
  int sqlstate = 0;
  const char *hint = nullptr;
  char message[512];
};

// Translates the current exception. To be called inside a catch block only; never throws, never raises.
void describe_current_exception(Failure &failure) noexcept;

// Raises the failure as a PostgreSQL error.
[[noreturn]] void raise(Failure &failure);

// Copies the current error out of PostgreSQL's error stack and clears the stack. Needs no guard: if memory runs out
// during the copy, PostgreSQL raises to the next outer handler, where such an error belongs.
ErrorData *take_error(MemoryContext context);

} // namespace boundary

// Runs `body`, which may throw and may raise. Every entry from the backend into our code goes through it.
template <typename Body>
auto guard(Body &&body) -> decltype(body()) {
  sigjmp_buf *const exception_stack = PG_exception_stack;
  ErrorContextCallback *const context_stack = error_context_stack;
  boundary::Failure failure;
  try {
    return body();
  } catch (...) {
    boundary::describe_current_exception(failure);
  }
  PG_exception_stack = exception_stack;
  error_context_stack = context_stack;
  boundary::raise(failure);
}

// The guard in the shape of an SQL function: `Datum f(PG_FUNCTION_ARGS) { return entry<f_body>(fcinfo); }`.
template <Datum (*Body)(FunctionCallInfo)>
Datum entry(FunctionCallInfo fcinfo) {
  return guard([fcinfo] { return Body(fcinfo); });
}

// Calls PostgreSQL from a frame that holds C++ objects: an ereport inside `body` is thrown as PgError. `body` itself
// must be a frame of trivially destructible objects. A handler of PgError must abort the (sub)transaction or rethrow:
// to continue as if nothing had happened is illegal.
template <typename Body>
auto call(Body body) -> decltype(body()) {
  using Result = decltype(body());
  static_assert(std::is_trivially_destructible_v<Body>, "longjmp must not cross an object with a destructor");
  sigjmp_buf *const exception_stack = PG_exception_stack;
  ErrorContextCallback *const context_stack = error_context_stack;
  const MemoryContext context = CurrentMemoryContext;
  sigjmp_buf jump;
  if (sigsetjmp(jump, 0) == 0) {
    PG_exception_stack = &jump;
    if constexpr (std::is_void_v<Result>) {
      body();
      PG_exception_stack = exception_stack;
      error_context_stack = context_stack;
      return;
    } else {
      static_assert(std::is_trivially_destructible_v<Result>);
      const Result result = body();
      PG_exception_stack = exception_stack;
      error_context_stack = context_stack;
      return result;
    }
  }
  PG_exception_stack = exception_stack;
  error_context_stack = context_stack;
  throw PgError{boundary::take_error(context)};
}

} // namespace pg_live
