// Registers, begins and ends background workers, and lets them wait.
#include "background_worker.hpp"

#include "boundary.hpp"

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

// From here on transactions ring this process. The first pass comes after, so no ring is missed.
void enter(WorkerSlot &self) {
  before_shmem_exit(leave, PointerGetDatum(&self));
  self.pid = MyProcPid;
  self.latch = MyLatch;
  pg_memory_barrier();
}

// A worker that keeps failing (its database does not exist, say) must not fill the log: it waits twice as long each
// time. A ring ends the wait, so a database that was just made is found at once.
void back_off(WorkerSlot &self) {
  const uint32 failures = pg_atomic_fetch_add_u32(&self.failed_starts, 1);
  if (failures == 0) return;
  const int seconds = Min(1 << Min(failures, 6u), static_cast<unsigned>(longest_backoff_seconds));
  wait_for_ring(seconds * 1000L);
}

// Settings of the role or the database must not change what the worker's queries mean or how long they may take.
void pin_session_settings() {
  struct Pin {
    const char *name;
    const char *value;
  };
  constexpr Pin pins[] = {{"search_path", "pg_catalog, pg_temp"},
                          {"default_transaction_isolation", "read committed"},
                          {"default_transaction_read_only", "off"},
                          {"statement_timeout", "0"},
                          {"lock_timeout", "0"},
                          {"idle_in_transaction_session_timeout", "0"},
                          {"jit", "off"}};
  for (const Pin &pin : pins)
    SetConfigOption(pin.name, pin.value, PGC_SUSET, PGC_S_OVERRIDE);
}

void end(const WorkerSlot &slot) {
  if (const pid_t pid = slot.pid; pid != 0) kill(pid, SIGTERM);
}

// DROP DATABASE fails while a session is connected: the workers leave. They are restarted, wait for the database's lock
// and find it gone.
void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
  if (previous_object_access_hook != nullptr)
    previous_object_access_hook(access, class_id, object_id, sub_id, argument);
  if (access != OAT_DROP || class_id != DatabaseRelationId) return;
  DatabaseState *const state = find_database_state(get_database_name(object_id));
  if (state == nullptr) return;
  state->worker_expected = false; // until one runs in a new database of that name, or in this one after all
  pg_atomic_write_u32(&state->summaries_changed, 0); // so that the first change in that new database rings
  end(state->worker);
  end(state->refresher);
}

bool is_preloading() { return process_shared_preload_libraries_in_progress && !IsBinaryUpgrade; }

} // namespace

void watch_dropped_databases() {
  if (!is_preloading()) return;
  previous_object_access_hook = object_access_hook;
  object_access_hook = [](ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
    guard([=] { on_object_access(access, class_id, object_id, sub_id, argument); });
  };
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
    // On a standby it starts at promotion: what workers do is the primary's to do.
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

void note_success(WorkerSlot &self) { pg_atomic_write_u32(&self.failed_starts, 0); }

void wait_for_ring(long timeout) {
  WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0), timeout, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
  if (ConfigReloadPending) {
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
  }
}

} // namespace pg_live
