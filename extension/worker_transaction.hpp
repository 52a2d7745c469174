// One transaction of a worker, and what becomes of an error in it.
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

  // No destructor: an error ends the transaction elsewhere, and longjmp must not pass an object that has one.
  void commit() {
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_stat(false);
    pgstat_report_activity(STATE_IDLE, nullptr);
  }
};

// Aborts the transaction in which the error was raised, and logs the error as a warning.
void abandon_transaction(const char *activity, ErrorData *error);

// Runs `body`, which makes transactions, outside of any. An error in it is a warning and ends no more than the
// transaction that it was raised in. Returns whether there was none.
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
