// Runs the worker: sleeps on its latch, and on each ring stores a batch and notifies once.
//
// Invariants: the batch is committed before its NOTIFY, in a transaction of its own, so a listener always finds it and
// the lock of NOTIFY is not held over a flush. Bridges that wait are told before the batch is flushed, which they fetch
// meanwhile. While nothing happens the worker sleeps and writes nothing. An error in publishing ends the process; the
// postmaster starts it again and the first pass is unconditional. What it does besides may fail alone.
#include "worker.hpp"

#include "await_batch.hpp"
#include "background_worker.hpp"
#include "batch_flush.hpp"
#include "boundary.hpp"
#include "chore.hpp"
#include "deadline.hpp"
#include "expiry.hpp"
#include "part_pace.hpp"
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

// Publishes, and makes the newest batch known if it is another than the last one this process made known: to bridges
// that wait in live_private.await_batch() at once, then to all that listen. A batch may also come from live.publish(),
// or from a worker that was ended before it said so.
struct Pass {
  bool news;  // there was something new
  bool holds; // parts of what is held are left
};

Pass publish(DatabaseState &state, int64 &last_notified, HeldParts parts) {
  WorkerTransaction transaction("publishing");
  const Published published = store_next_batch(can_flush_later() ? Flush::later : Flush::durable_batches, parts);
  if (published.unflushed_from != 0) announce_flush(state, published.unflushed_from);
  const int64 batch = published.newest.value_or(0);
  transaction.commit();
  if (batch == last_notified) return {false, published.holds};
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
  return {true, published.holds};
}

// Truncates expired slots. Returns whether events are left, so that maintenance must come again.
bool truncate_slots() {
  WorkerTransaction transaction("dropping expired events");
  bool left = false;
  // DROP EXTENSION must not come between the look and the call: the name could mean anybody's function then.
  if (lock_extension(AccessShareLock)) {
    left = DatumGetBool(query_value("select live.drop_expired_events()", Effects::writes).value);
  }
  transaction.commit();
  return left;
}

// Milliseconds until a time of the clock of presence, rounded up; -1 for never.
long milliseconds_until(TimestampTz deadline) {
  if (deadline == no_deadline) return -1;
  const int64 left = deadline - presence_clock();
  return left <= 0 ? 0
                   : static_cast<long>(Min((left + 999) / 1000, static_cast<int64>(longest_maintenance_pause.count())));
}

// The sooner of two timeouts, of which -1 is never.
long sooner(long one, long other) { return one < 0 ? other : other < 0 ? one : Min(one, other); }

// Milliseconds until a moment; -1 for none, which is never.
long pause_until(const std::optional<Clock::time_point> &moment) { return moment ? until(*moment) : -1; }

// Announces what is due. After a failure, or while it rests from one, it looks again when the rest is over; until then
// only a deadline that comes sooner rings.
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

// Returns whether events are left, as far as is known.
bool drop_expired_events() {
  bool left = true;
  dropping.perform([&left] { left = truncate_slots(); });
  return left;
}

std::chrono::milliseconds maintenance_pause() {
  const std::chrono::seconds shortest_retention{Min(settings().event_retention, settings().signal_retention)};
  return std::min(std::chrono::milliseconds(shortest_retention) / 4, longest_maintenance_pause);
}

// Passes keep a distance of gather_delay from start to start, also those that find nothing; a ring after a pause is
// answered at once.
void keep_distance(const std::optional<Clock::time_point> &last_pass) {
  if (!last_pass) return;
  const auto left = *last_pass + std::chrono::milliseconds(settings().gather_delay) - Clock::now();
  if (left > left.zero()) pg_usleep(std::chrono::ceil<std::chrono::microseconds>(left).count());
}

// One pass after another.
void run(DatabaseState &state) {
  std::optional<Clock::time_point> last_pass; // none: this is the first
  int64 last_notified = 0;
  std::optional<Clock::time_point> next_maintenance; // none: nothing is stored, so nothing can expire
  PartPace parts;
  for (;;) {
    keep_distance(last_pass);
    const auto started = Clock::now();
    announce(state);
    const bool part_is_due = parts.is_due(state, started);
    const Pass pass = publish(state, last_notified, part_is_due ? HeldParts::release : HeldParts::leave);
    note_success(state.worker);
    if (!pass.holds) {
      parts.note_end(state);
    } else if (part_is_due) {
      parts.note_part(state, started);
    }

    if (next_maintenance ? started >= *next_maintenance : pass.news || !last_pass) {
      next_maintenance.reset();
      if (drop_expired_events()) next_maintenance = started + maintenance_pause();
    }
    last_pass = started;
    const long timeout = sooner(pause_until(next_maintenance), pause_until(parts.next_look(state)));
    wait_for_ring(sooner(timeout, announcement_pause_ms(state)));
  }
}

void work(int index) {
  DatabaseState &state = *database_state(index);
  before_shmem_exit(forget_deadline, PointerGetDatum(&state));
  pg_atomic_write_u32(&state.earlier_deadline, 1); // the first pass reads the deadlines, whatever they are
  begin_background_worker(state.worker, state.name);
  state.worker_expected = true;
  run(state);
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
  pg_live::guard([=] { pg_live::work(DatumGetInt32(argument)); });
}

Datum pg_live_worker_is_running(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_running>(fcinfo); }
Datum pg_live_worker_is_expected(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::is_expected>(fcinfo); }
