// Registers, starts and stops background workers, and implements their waits.
#include "background_worker.hpp"

#include "boundary.hpp"
#include "worker_transaction.hpp"

namespace pg_live {

namespace {

constinit object_access_hook_type previous_object_access_hook = nullptr;

constexpr int restart_seconds = 1;
constexpr int longest_backoff_seconds = 60;

void leave(int, Datum argument) {
  auto *const self = reinterpret_cast<WorkerSlot *>(DatumGetPointer(argument));
  self->latch = nullptr;
  self->pid = 0;
}

// From here on transactions ring this process. The first pass follows, so no ring is missed.
void enter(WorkerSlot &self) {
  before_shmem_exit(leave, PointerGetDatum(&self));
  self.pid = MyProcPid;
  self.latch = MyLatch;
  pg_memory_barrier();
}

// A worker that keeps failing (because its database does not exist, say) doubles its pause, so that it does not fill
// the log. Transactions of the database do not end the pause, or a busy database would make it fail every second. A
// change that may have fixed the cause does: of the configuration, or of a database (retry_workers()).
void back_off(WorkerSlot &self) {
  const uint32 failures = pg_atomic_fetch_add_u32(&self.failed_starts, 1);
  if (failures == 0) return;
  const int seconds = Min(1 << Min(failures, 6u), longest_backoff_seconds);
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), seconds * 1000);
  while (pg_atomic_read_u32(&self.failed_starts) != 0) {
    const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
    if (left == 0 || wait_for_ring(Min(left, seconds * 1000L)) == Configuration::changed) return;
  }
}

// Settings of the role, the database or the server must not change the meaning, the plans or the time limits of the
// workers' queries.
void pin_session_settings() {
  struct Pin {
    const char *name;
    const char *value;
  };
  constexpr Pin pins[] = {{"search_path", "pg_catalog, pg_temp"},
                          {"default_transaction_isolation", "read committed"},
                          {"default_transaction_read_only", "off"},
                          {"default_transaction_deferrable", "off"},
                          {"session_replication_role", "origin"},
                          {"row_security", "on"},
                          {"statement_timeout", "0"},
                          {"lock_timeout", "0"},
                          {"idle_in_transaction_session_timeout", "0"},
                          {"idle_session_timeout", "0"},
                          {"DateStyle", "ISO, YMD"},
                          {"IntervalStyle", "postgres"},
                          {"TimeZone", "UTC"},
                          {"bytea_output", "hex"},
                          {"xmlbinary", "base64"},
                          {"extra_float_digits", "1"},
                          {"quote_all_identifiers", "off"},
                          {"standard_conforming_strings", "on"},
                          {"transform_null_equals", "off"},
                          {"array_nulls", "on"},
                          {"default_tablespace", ""},
                          {"temp_tablespaces", ""},
                          {"default_table_access_method", "heap"},
                          {"gin_fuzzy_search_limit", "0"},
                          {"plan_cache_mode", "auto"},
                          {"jit", "off"},
                          {"enable_indexscan", "on"},
                          {"enable_indexonlyscan", "on"},
                          {"enable_bitmapscan", "on"},
                          {"enable_seqscan", "on"},
                          {"enable_tidscan", "on"},
                          {"enable_hashjoin", "on"},
                          {"enable_mergejoin", "on"},
                          {"enable_nestloop", "on"},
                          {"enable_hashagg", "on"},
                          {"enable_sort", "on"},
                          {"enable_material", "on"}};
  for (const Pin &pin : pins)
    SetConfigOption(pin.name, pin.value, PGC_SUSET, PGC_S_OVERRIDE);
}

// This transaction created or altered a database; the workers see that when it has committed.
constinit bool databases_changed = false;

void retry_workers() {
  for (int index = 0; index < listed_databases(); ++index) {
    DatabaseState &state = *database_state(index);
    for (WorkerSlot *const slot : {&state.worker, &state.refresher}) {
      pg_atomic_write_u32(&slot->failed_starts, 0);
      ring(*slot);
    }
  }
}

void retry_workers_at_transaction_end(XactEvent event, void *) {
  if (event == XACT_EVENT_COMMIT && databases_changed) retry_workers();
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT) databases_changed = false;
}

void end(const WorkerSlot &slot) {
  if (const pid_t pid = slot.pid; pid != 0) kill(pid, SIGTERM);
}

// DROP DATABASE fails while a session is connected, so the workers must leave. The postmaster restarts them; they wait
// for the lock of the database and then find it gone.
void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
  if (previous_object_access_hook != nullptr)
    previous_object_access_hook(access, class_id, object_id, sub_id, argument);
  if (class_id != DatabaseRelationId) return;
  if (access == OAT_POST_CREATE || access == OAT_POST_ALTER) databases_changed = true;
  if (access != OAT_DROP) return;
  DatabaseState *const state = find_database_state(get_database_name(object_id));
  if (state == nullptr) return;
  state->worker_expected = false; // until a worker runs in a new database of that name, or DROP DATABASE fails
  pg_atomic_write_u32(&state->summaries_changed, 0); // makes the first change in that new database ring
  end(state->worker);
  end(state->refresher);
}

bool is_preloading() { return process_shared_preload_libraries_in_progress && !IsBinaryUpgrade; }

} // namespace

void watch_databases() {
  if (!is_preloading()) return;
  previous_object_access_hook = object_access_hook;
  object_access_hook = [](ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
    guard([=] { on_object_access(access, class_id, object_id, sub_id, argument); });
  };
  RegisterXactCallback(
      [](XactEvent event, void *argument) { guard([=] { retry_workers_at_transaction_end(event, argument); }); },
      nullptr);
}

void register_background_workers(const char *type, const char *function) {
  if (!is_preloading()) return;
  for (int index = 0; index < listed_databases(); ++index) {
    BackgroundWorker worker{};
    snprintf(worker.bgw_name, sizeof worker.bgw_name, "%s %d", type, index + 1);
    strlcpy(worker.bgw_type, type, sizeof worker.bgw_type);
    strlcpy(worker.bgw_library_name, "pg_live", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, function, sizeof worker.bgw_function_name);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    // A standby starts it at promotion: only a primary has work for it.
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = restart_seconds;
    worker.bgw_main_arg = Int32GetDatum(index);
    RegisterBackgroundWorker(&worker);
  }
}

void begin_background_worker(WorkerSlot &self, const char *database) {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  enter(self);
  back_off(self);
  BackgroundWorkerInitializeConnection(database, nullptr, 0);
  pin_session_settings();
}

void abandon_transaction(const char *activity, ErrorData *error) {
  AbortCurrentTransaction();
  ereport(WARNING, (errcode(error->sqlerrcode), errmsg("%s failed: %s", activity, error->message),
                    error->detail != nullptr ? errdetail("%s", error->detail) : 0,
                    error->hint != nullptr ? errhint("%s", error->hint) : 0,
                    error->context != nullptr ? errcontext("%s", error->context) : 0));
  FreeErrorData(error);
  pgstat_report_stat(true);
  pgstat_report_activity(STATE_IDLE, nullptr);
}

void note_success(WorkerSlot &self) { pg_atomic_write_u32(&self.failed_starts, 0); }

Configuration wait_for_ring(long timeout) {
  WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0), timeout, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
  if (!ConfigReloadPending) return Configuration::same;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  return Configuration::changed;
}

} // namespace pg_live
