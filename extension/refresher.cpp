// Runs the refresher: sleeps until a summary was marked as changed, then refreshes, and rests for the interval.
#include "refresher.hpp"

#include "background_worker.hpp"
#include "boundary.hpp"
#include "publish.hpp"
#include "settings.hpp"
#include "worker_transaction.hpp"

#include <chrono>

extern "C" {
extern PGDLLEXPORT void pg_live_refresher_main(Datum argument);
}

namespace pg_live {

namespace {

using Clock = std::chrono::steady_clock;

void refresh_summaries() {
  WorkerTransaction transaction("refreshing summaries");
  // DROP EXTENSION must not come between the look and the call: the name could mean anybody's function then.
  if (lock_extension(AccessShareLock)) {
    SPI_connect();
    if (SPI_execute("select live.refresh_summaries()", false, 1) != SPI_OK_SELECT)
      elog(ERROR, "cannot refresh summaries");
    SPI_finish();
  }
  transaction.commit();
}

// Milliseconds until the rest after the last refresh is over; 0 if it is.
long rest_left(Clock::time_point refreshed_at) {
  const auto rest = refreshed_at + std::chrono::milliseconds(settings().refresh_interval) - Clock::now();
  return Max(std::chrono::ceil<std::chrono::milliseconds>(rest).count(), 0L);
}

// Sleeps until something was marked and the rest is over.
void wait_for_change(DatabaseState &state, Clock::time_point refreshed_at) {
  for (;;) {
    const bool changed = pg_atomic_read_u32(&state.summaries_changed) != 0;
    const long timeout = changed ? rest_left(refreshed_at) : -1;
    if (timeout == 0) return;
    wait_for_ring(timeout);
  }
}

void run(DatabaseState &state) {
  for (;;) {
    pg_atomic_exchange_u32(&state.summaries_changed, 0); // whoever commits from here on marks anew
    refresh_summaries();
    note_success(state.refresher);
    wait_for_change(state, Clock::now());
  }
}

void work(int index) {
  DatabaseState &state = *database_state(index);
  begin_background_worker(state.refresher, state.name);
  run(state);
}

} // namespace

void register_refreshers() { register_background_workers("pg_live refresher", "pg_live_refresher_main"); }

} // namespace pg_live

void pg_live_refresher_main(Datum argument) {
  pg_live::guard([=] { pg_live::work(DatumGetInt32(argument)); });
}
