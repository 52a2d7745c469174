// The worker: sleeps on its latch; each ring makes it store a batch and notify once.
//
// Invariants: a batch is committed before its NOTIFY, which has a transaction of its own, so a listener always finds
// the batch, and the lock of NOTIFY is not held during a flush. Waiting bridges learn of a batch before its flush and
// fetch it during the flush. While nothing happens, the worker sleeps and writes nothing. An error in publishing ends
// the process; the postmaster restarts it and its first pass is unconditional. A chore (chore.hpp) may fail alone.
#include "worker.hpp"

#include "await_batch.hpp"
#include "background_worker.hpp"
#include "batch_flush.hpp"
#include "boundary.hpp"
#include "chore.hpp"
#include "deadline.hpp"
#include "part_pace.hpp"
#include "presence_expiry.hpp"
#include "publish.hpp"
#include "query.hpp"
#include "settings.hpp"

extern "C" {
extern PGDLLEXPORT void pg_live_worker_main(Datum argument);
PG_FUNCTION_INFO_V1(pg_live_worker_is_running);
PG_FUNCTION_INFO_V1(pg_live_worker_is_expected);
extern PGDLLEXPORT Datum pg_live_worker_is_running(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_worker_is_expected(PG_FUNCTION_ARGS);
}

#include <algorithm>

namespace pg_live {

namespace {

constexpr std::chrono::milliseconds longest_maintenance_pause{600'000};

constinit Chore announcing{"announcing presence"};
constinit Chore dropping{"dropping expired events"};

void forget_deadline(int, Datum argument) {
  auto *const state = reinterpret_cast<DatabaseState *>(DatumGetPointer(argument));
  pg_atomic_write_u64(&state->next_deadline, no_deadline);
}

// Publishes, and makes the newest batch known unless this process has done so already: at once to bridges that wait in
// live_private.await_batch(), then by NOTIFY to all listeners. The batch may also come from live.publish(), or from a
// worker that ended before it could notify.
struct Pass {
  bool news;         // a batch was made known
  bool has_deferred; // deferred parts are left
};

Pass publish(DatabaseState &state, int64 &last_notified, DeferredParts parts) {
  WorkerTransaction transaction("publishing");
  const Published published = store_next_batch(can_flush_later() ? Flush::later : Flush::durable_batches, parts);
  if (published.unflushed_from != 0) note_unflushed(state, published.unflushed_from);
  const int64 batch = published.newest.value_or(0);
  transaction.commit();
  if (batch == last_notified) return {false, published.has_deferred};
  last_notified = batch;
  make_known(state, batch);
  flush_batches(state);
  if (batch == 0) return {false, false}; // the extension was dropped

  char payload[32];
  snprintf(payload, sizeof payload, INT64_FORMAT, batch);
  WorkerTransaction notification("notifying");
  Async_Notify("pg_live", payload);
  commit_without_flush();
  notification.commit();
  return {true, published.has_deferred};
}

// Truncates expired slots. Returns whether events are left, in which case maintenance must run again.
bool truncate_slots() {
  WorkerTransaction transaction("dropping expired events");
  bool left = false;
  // The lock keeps DROP EXTENSION from freeing the name before the call: any role's function could have it then.
  if (lock_extension(AccessShareLock)) {
    left = DatumGetBool(query_value("select live.drop_expired_events()", Effects::writes).value);
  }
  transaction.commit();
  return left;
}

// Milliseconds until a time of the presence clock, rounded up; -1 for never.
long milliseconds_until(TimestampTz deadline) {
  if (deadline == no_deadline) return -1;
  const int64 left = deadline - presence_clock();
  return left <= 0 ? 0
                   : static_cast<long>(Min((left + 999) / 1000, static_cast<int64>(longest_maintenance_pause.count())));
}

// The sooner of two timeouts; -1 stands for never.
long earlier_of(long one, long other) { return one < 0 ? other : other < 0 ? one : Min(one, other); }

// Milliseconds until a moment; -1 if there is none.
long pause_until(const std::optional<Clock::time_point> &moment) { return moment ? until(*moment) : -1; }

// Announces the presence changes that are due. After a failure the worker pauses, and looks again when the pause is
// over; until then only a transaction with a sooner deadline rings.
void announce(DatabaseState &state) {
  const bool well = announcing.perform([&state] {
    if (presence_is_due(state)) expire_presence(state);
  });
  if (!well) postpone_presence(state, until(*announcing.retry_at()));
}

long announcement_pause_ms(DatabaseState &state) {
  const auto retry = announcing.retry_at();
  return retry ? until(*retry) : milliseconds_until(pg_atomic_read_u64(&state.next_deadline));
}

// Returns whether events may be left.
bool drop_expired_events() {
  bool left = true;
  dropping.perform([&left] { left = truncate_slots(); });
  return left;
}

std::chrono::milliseconds maintenance_pause() {
  const std::chrono::seconds shortest_retention{Min(settings().event_retention, settings().signal_retention)};
  return std::min(std::chrono::milliseconds(shortest_retention) / 4, longest_maintenance_pause);
}

// Passes start at least gather_delay apart, also those that find nothing; a ring after a longer pause is answered at
// once.
void keep_distance(const std::optional<Clock::time_point> &last_pass) {
  if (!last_pass) return;
  const auto left = *last_pass + std::chrono::milliseconds(settings().gather_delay) - Clock::now();
  if (left > left.zero()) pg_usleep(std::chrono::ceil<std::chrono::microseconds>(left).count());
}

void publish_forever(DatabaseState &state) {
  std::optional<Clock::time_point> last_pass; // nullopt before the first pass
  int64 last_notified = 0;
  std::optional<Clock::time_point> next_maintenance; // nullopt while nothing is stored that could expire
  PartPace parts;
  for (;;) {
    keep_distance(last_pass);
    const auto started = Clock::now();
    announce(state);
    const bool part_is_due = parts.is_due(state, started);
    const Pass pass = publish(state, last_notified, part_is_due ? DeferredParts::release : DeferredParts::leave);
    note_success(state.worker);
    if (!pass.has_deferred) {
      parts.note_end(state);
    } else if (part_is_due) {
      parts.note_part(state, started);
    }

    if (next_maintenance ? started >= *next_maintenance : pass.news || !last_pass) {
      next_maintenance.reset();
      if (drop_expired_events()) next_maintenance = started + maintenance_pause();
    }
    last_pass = started;
    const long timeout = earlier_of(pause_until(next_maintenance), pause_until(parts.next_look(state)));
    wait_for_ring(earlier_of(timeout, announcement_pause_ms(state)));
  }
}

void run_worker(int index) {
  DatabaseState &state = *database_state(index);
  before_shmem_exit(forget_deadline, PointerGetDatum(&state));
  pg_atomic_write_u32(&state.earlier_deadline, 1); // makes the first pass read the deadlines
  begin_background_worker(state.worker, state.name);
  state.worker_expected = true;
  publish_forever(state);
}

Datum is_running([[maybe_unused]] FunctionCallInfo fcinfo) {
  DatabaseState *const state = own_database_state();
  PG_RETURN_BOOL(state != nullptr && is_at_work(state->worker));
}

Datum is_expected([[maybe_unused]] FunctionCallInfo fcinfo) {
  const DatabaseState *const state = own_database_state();
  PG_RETURN_BOOL(state != nullptr && state->worker_expected);
}

} // namespace

void register_workers() { register_background_workers("pg_live worker", "pg_live_worker_main"); }

} // namespace pg_live

void pg_live_worker_main(Datum argument) {
  pg_live::guard([=] { pg_live::run_worker(DatumGetInt32(argument)); });
}

Datum pg_live_worker_is_running(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_running>(fcinfo); }
Datum pg_live_worker_is_expected(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_expected>(fcinfo); }
