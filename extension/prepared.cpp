// Wakes the workers of a database when a prepared transaction is committed in it.
#include "prepared.hpp"

#include "boundary.hpp"
#include "shared_state.hpp"
#include "summary.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace pg_live {

namespace {

constinit ProcessUtility_hook_type previous_utility_hook = nullptr;

// Whether this transaction runs COMMIT PREPARED, or may have committed a prepared transaction in an apply worker.
constinit bool may_have_committed_another = false;

bool commits_prepared(const PlannedStmt *statement) {
  const Node *const command = statement->utilityStmt;
  return IsA(command, TransactionStmt) &&
         reinterpret_cast<const TransactionStmt *>(command)->kind == TRANS_STMT_COMMIT_PREPARED;
}

void note_commit_of_another() {
  own_database_state(); // looks the state up while the transaction can still read catalogs
  may_have_committed_another = true;
}

// Does what any transaction may do at its commit, for deadlines, summaries and events, since the prepared transaction
// may have had any of them.
void wake_workers(DatabaseState &state) {
  pg_atomic_write_u32(&state.earlier_deadline, 1);
  mark_summaries_changed(state);
  ring(state.worker);
}

void wake_workers_at_transaction_end(XactEvent event, void *) {
  switch (event) {
  case XACT_EVENT_PRE_COMMIT:
    // The apply worker of a two-phase subscription calls no hook, and writes nothing in the transaction that commits a
    // prepared one.
    if (IsLogicalWorker() && !FullTransactionIdIsValid(GetTopFullTransactionIdIfAny())) note_commit_of_another();
    break;
  case XACT_EVENT_COMMIT:
  case XACT_EVENT_ABORT: // an error after COMMIT PREPARED does not undo it
    if (DatabaseState *const state = own_database_state(); may_have_committed_another && state != nullptr)
      wake_workers(*state);
    may_have_committed_another = false;
    break;
  default:
    break;
  }
}

} // namespace

void watch_prepared_transactions() {
  if (!process_shared_preload_libraries_in_progress) return;
  previous_utility_hook = ProcessUtility_hook;
  ProcessUtility_hook = [](PlannedStmt *statement, const char *query, bool read_only_tree,
                           ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
                           DestReceiver *destination, QueryCompletion *completion) {
    guard([=] {
      if (commits_prepared(statement)) note_commit_of_another();
      const ProcessUtility_hook_type next =
          previous_utility_hook != nullptr ? previous_utility_hook : standard_ProcessUtility;
      next(statement, query, read_only_tree, context, parameters, environment, destination, completion);
    });
  };
  RegisterXactCallback(
      [](XactEvent event, void *argument) { guard([=] { wake_workers_at_transaction_end(event, argument); }); },
      nullptr);
}

} // namespace pg_live
