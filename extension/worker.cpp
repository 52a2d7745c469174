// Runs the worker: sleeps on its latch, and on each ring stores a batch and notifies once.
//
// Invariants: the batch is committed before its NOTIFY, in a transaction of its own, so a listener always finds it and
// the lock of NOTIFY is not held over a flush. While nothing happens the worker sleeps and writes nothing. An error
// ends the process; the postmaster starts it again and the first pass is unconditional.
#include "worker.hpp"

#include "boundary.hpp"
#include "deadline.hpp"
#include "expiry.hpp"
#include "publish.hpp"
#include "settings.hpp"
#include "shared_state.hpp"
#include "worker_transaction.hpp"

extern "C" {
extern PGDLLEXPORT void pg_live_worker_main(Datum argument);
PG_FUNCTION_INFO_V1(pg_live_worker_is_running);
PG_FUNCTION_INFO_V1(pg_live_worker_is_expected);
extern PGDLLEXPORT Datum pg_live_worker_is_running(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_worker_is_expected(PG_FUNCTION_ARGS);
}

namespace pg_live {

namespace {

constinit object_access_hook_type previous_object_access_hook = nullptr;

constexpr int restart_seconds = 1;
constexpr int longest_backoff_seconds = 60;
constexpr long longest_maintenance_pause_ms = 600'000;

void leave(int, Datum argument) {
  auto *const state = reinterpret_cast<DatabaseState *>(DatumGetPointer(argument));
  state->worker_latch = nullptr;
  state->worker_pid = 0;
  pg_atomic_write_u64(&state->next_deadline, no_deadline);
}

// From here on emitting transactions ring this process. The first pass comes after, so no ring is missed.
void enter(DatabaseState &state) {
  before_shmem_exit(leave, PointerGetDatum(&state));
  pg_atomic_write_u32(&state.earlier_deadline, 1); // the first pass reads the deadlines, whatever they are
  state.worker_pid = MyProcPid;
  state.worker_latch = MyLatch;
  pg_memory_barrier();
}

// Waits for a ring or the time limit (milliseconds, -1 for none); returns whether it was a ring.
bool wait_for_ring(long timeout) {
  const int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0), timeout,
                               PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
  if (ConfigReloadPending) {
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
  }
  return (events & WL_LATCH_SET) != 0;
}

// A worker that keeps failing (its database does not exist, say) must not fill the log: it waits twice as long each
// time. A ring ends the wait, so a database that was just made is found at once.
void back_off(DatabaseState &state) {
  const uint32 failures = pg_atomic_fetch_add_u32(&state.failed_starts, 1);
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

// Clears the mark that makes every commit ring once no transaction is prepared any more. The mark goes first: whoever
// prepares after the look sets it again.
void check_prepared_transactions(DatabaseState &state) {
  if (pg_atomic_read_u32(&state.prepared_outstanding) == 0) return;
  pg_atomic_write_u32(&state.prepared_outstanding, 0);
  WorkerTransaction transaction("looking for prepared transactions");
  SPI_connect();
  SPI_execute("select from pg_catalog.pg_prepared_xacts where database = pg_catalog.current_database() limit 1", true,
              1);
  if (SPI_processed > 0) pg_atomic_write_u32(&state.prepared_outstanding, 1);
  SPI_finish();
  transaction.commit();
}

// Publishes, and notifies if the newest batch is another than the last one this process notified of. A batch may also
// come from live.publish(), or from a worker that was ended before it notified. Returns whether there was news.
bool publish(int64 &last_notified) {
  WorkerTransaction transaction("publishing");
  const int64 batch = store_next_batch(Flush::durable_batches).value_or(0);
  transaction.commit();
  if (batch == last_notified) return false;
  last_notified = batch;
  if (batch == 0) return false; // the extension was dropped

  char payload[32];
  snprintf(payload, sizeof payload, INT64_FORMAT, batch);
  WorkerTransaction notification("notifying");
  Async_Notify("pg_live", payload);
  notification.commit();
  return true;
}

// Truncates expired slots. Returns whether events are left, so that maintenance must come again.
bool drop_expired_events() {
  WorkerTransaction transaction("dropping expired events");
  bool left = false;
  // DROP EXTENSION must not come between the look and the call: the name could mean anybody's function then.
  if (lock_extension(AccessShareLock)) {
    SPI_connect();
    if (SPI_execute("select live.drop_expired_events()", false, 1) != SPI_OK_SELECT || SPI_processed != 1)
      elog(ERROR, "cannot drop expired events");
    bool is_null = false;
    left = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
    SPI_finish();
  }
  transaction.commit();
  return left;
}

// Milliseconds until a time of the clock of presence, rounded up; -1 for never.
long milliseconds_until(TimestampTz deadline) {
  if (deadline == no_deadline) return -1;
  const int64 left = deadline - presence_clock();
  return left <= 0 ? 0 : static_cast<long>(Min((left + 999) / 1000, static_cast<int64>(longest_maintenance_pause_ms)));
}

// The sooner of two timeouts, of which -1 is never.
long sooner(long one, long other) { return one < 0 ? other : other < 0 ? one : Min(one, other); }

long maintenance_pause_ms() {
  const long shortest_retention = Min(settings().event_retention, settings().signal_retention);
  return Min(shortest_retention * 1000L / 4, longest_maintenance_pause_ms);
}

// One pass after another. Passes keep a distance of gather_delay, counted from the start of the last pass that found
// something; a ring after a pause is answered at once.
void run(DatabaseState &state) {
  TimestampTz last_busy = 0;
  int64 last_notified = 0;
  TimestampTz next_maintenance = 0; // 0: nothing is stored, so nothing can expire
  for (;;) {
    const TimestampTz gathered = last_busy + settings().gather_delay * INT64CONST(1000);
    const TimestampTz now = GetCurrentTimestamp();
    if (gathered > now) pg_usleep(gathered - now);

    const TimestampTz started = GetCurrentTimestamp();
    check_prepared_transactions(state);
    if (presence_is_due(state)) expire_presence(state);
    const bool found = publish(last_notified);
    pg_atomic_write_u32(&state.failed_starts, 0);
    if (found) last_busy = started;

    if (next_maintenance == 0 ? found || last_busy == 0 : started >= next_maintenance) {
      const bool left = drop_expired_events();
      next_maintenance = left ? started + maintenance_pause_ms() * INT64CONST(1000) : 0;
    }
    const long timeout =
        next_maintenance == 0 ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_maintenance);
    wait_for_ring(sooner(timeout, milliseconds_until(pg_atomic_read_u64(&state.next_deadline))));
  }
}

// DROP DATABASE fails while a session is connected: the worker leaves. It is restarted, waits for the database's lock
// and finds it gone.
void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
  if (previous_object_access_hook != nullptr)
    previous_object_access_hook(access, class_id, object_id, sub_id, argument);
  if (access != OAT_DROP || class_id != DatabaseRelationId) return;
  DatabaseState *const state = find_database_state(get_database_name(object_id));
  if (state == nullptr) return;
  state->worker_expected = false; // until one runs in a new database of that name, or in this one after all
  if (state->worker_pid != 0) kill(state->worker_pid, SIGTERM);
}

void work(int index) {
  DatabaseState &state = *database_state(index);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  enter(state);
  back_off(state);
  BackgroundWorkerInitializeConnection(state.name, nullptr, 0);
  pin_session_settings();
  state.worker_expected = true;
  run(state);
}

Datum is_running([[maybe_unused]] FunctionCallInfo fcinfo) {
  const DatabaseState *const state = own_database_state();
  PG_RETURN_BOOL(state != nullptr && state->worker_pid != 0);
}

Datum is_expected([[maybe_unused]] FunctionCallInfo fcinfo) {
  const DatabaseState *const state = own_database_state();
  PG_RETURN_BOOL(state != nullptr && state->worker_expected);
}

} // namespace

void register_workers() {
  if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade) return;
  previous_object_access_hook = object_access_hook;
  object_access_hook = [](ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *argument) {
    guard([=] { on_object_access(access, class_id, object_id, sub_id, argument); });
  };
  for (int index = 0; index < listed_databases(); ++index) {
    BackgroundWorker worker{};
    snprintf(worker.bgw_name, sizeof worker.bgw_name, "pg_live worker %d", index + 1);
    strlcpy(worker.bgw_type, "pg_live worker", sizeof worker.bgw_type);
    strlcpy(worker.bgw_library_name, "pg_live", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "pg_live_worker_main", sizeof worker.bgw_function_name);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    // On a standby it starts at promotion: batches must come from the primary's own snapshots.
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = restart_seconds;
    worker.bgw_main_arg = Int32GetDatum(index);
    RegisterBackgroundWorker(&worker);
  }
}

} // namespace pg_live

void pg_live_worker_main(Datum argument) {
  pg_live::guard([=] { pg_live::work(DatumGetInt32(argument)); });
}

Datum pg_live_worker_is_running(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_running>(fcinfo); }
Datum pg_live_worker_is_expected(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_expected>(fcinfo); }
