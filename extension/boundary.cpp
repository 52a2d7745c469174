// Turns C++ exceptions into plain data, and plain data into PostgreSQL errors. See boundary.hpp for the rules.
#include "boundary.hpp"

namespace pg_live::boundary {

void describe_current_exception(Failure &failure) noexcept {
  try {
    throw;
  } catch (const PgError &error) {
    failure.data = error.data;
  } catch (const SqlError &error) {
    failure.sqlstate = error.sqlstate;
    failure.hint = error.hint;
    strlcpy(failure.message, error.message, sizeof failure.message);
  } catch (const std::bad_alloc &) {
    failure.sqlstate = ERRCODE_OUT_OF_MEMORY;
    strlcpy(failure.message, "out of memory", sizeof failure.message);
  } catch (const std::exception &error) {
    failure.sqlstate = ERRCODE_INTERNAL_ERROR;
    strlcpy(failure.message, error.what(), sizeof failure.message);
  } catch (...) {
    failure.sqlstate = ERRCODE_INTERNAL_ERROR;
    strlcpy(failure.message, "unknown C++ exception", sizeof failure.message);
  }
}

void raise(Failure &failure) {
  if (failure.data != nullptr) ReThrowError(failure.data);
  ereport(ERROR, (errcode(failure.sqlstate), errmsg("%s", failure.message),
                  failure.hint != nullptr ? errhint("%s", failure.hint) : 0));
  pg_unreachable();
}

ErrorData *take_error(MemoryContext context) {
  MemoryContextSwitchTo(context);
  ErrorData *data = CopyErrorData();
  FlushErrorState();
  return data;
}

} // namespace pg_live::boundary
