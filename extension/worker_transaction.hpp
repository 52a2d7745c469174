// One transaction of the worker.
#pragma once

#include "postgres.hpp"

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

  // No destructor: an error ends the process, and longjmp must not pass an object that has one.
  void commit() {
    PopActiveSnapshot();
    CommitTransactionCommand();
    pgstat_report_stat(false);
    pgstat_report_activity(STATE_IDLE, nullptr);
  }
};

} // namespace pg_live
