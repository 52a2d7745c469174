// One transaction of a worker, and the handling of an error in it.
#pragma once

#include "boundary.hpp"

namespace pg_live {

class WorkerTransaction {
 public:
  explicit WorkerTransaction(const char *activity) {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    pgstat_report_activity(STATE_RUNNING, activity);
  }
  WorkerTransaction(const WorkerTransaction &) = delete;
  WorkerTransaction &operator=(const WorkerTransaction &) = delete;

  // No destructor: an error ends the transaction elsewhere, and longjmp must not cross an object that has one.
  void commit() {
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_stat(false);
    pgstat_report_activity(STATE_IDLE, nullptr);
  }
};

// Aborts the transaction in which the error was raised, and logs the error as a warning.
void abandon_transaction(const char *activity, ErrorData *error);

// Runs `body`, which starts its own transactions. An error in it is logged as a warning and aborts only the transaction
// that raised it. Returns whether there was none.
template <typename Body>
bool attempt(const char *activity, Body body) {
  ErrorData *error = nullptr;
  try {
    call(body);
  } catch (const PgError &raised) {
    error = raised.data;
  }
  if (error == nullptr) return true;
  abandon_transaction(activity, error);
  return false;
}

} // namespace pg_live
