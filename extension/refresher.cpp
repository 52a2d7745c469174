// Runs the refresher: sleeps until a summary was marked as changed, then refreshes, and rests: for the interval, and at
// least twenty times as long as the refresh took, so that it never takes more than a twentieth of a core. Where
// activities expire it drops them, in small transactions, and looks for them while it rests or sleeps too.
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
using std::chrono::milliseconds;

constexpr int rest_per_refresh = 20;
constexpr milliseconds look_for_expired_every{60'000};

// Runs a query of one integer in a transaction of its own; 0 where the extension is not installed. What `before` waits
// for is not counted in the time taken.
int64 run_query(const char *activity, const char *before, const char *query, Clock::duration &took) {
  WorkerTransaction transaction(activity);
  int64 result = 0;
  // DROP EXTENSION must not come between the look and the call: the name could mean anybody's function then.
  if (lock_extension(AccessShareLock)) {
    SPI_connect();
    if (before != nullptr && SPI_execute(before, false, 1) != SPI_OK_SELECT)
      elog(ERROR, "cannot wait for: %s", activity);
    const Clock::time_point start = Clock::now();
    if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1) elog(ERROR, "cannot run: %s", activity);
    bool is_null = false;
    result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
    took = Clock::now() - start;
    SPI_finish();
  }
  transaction.commit();
  return result;
}

// Returns how long it took.
Clock::duration refresh_summaries() {
  Clock::duration took{};
  run_query("refreshing summaries",
            "select live.lock_summary('live.presence_summary'), live.lock_summary('live.activity_trends')",
            "select live.refresh_summaries()::pg_catalog.int8", took);
  return took;
}

void drop_expired_activities() {
  Clock::duration took{};
  while (settings().activity_retention > 0 &&
         run_query("dropping activities", nullptr, "select live.drop_expired_activities()::pg_catalog.int8", took) >
             0) {
  }
}

// Milliseconds until the time since a moment is as long as that; 0 if it is.
long left_of(Clock::duration time, Clock::time_point since) {
  return Max(std::chrono::ceil<milliseconds>(since + time - Clock::now()).count(), 0L);
}

// Sleeps until something was marked and the rest is over.
void wait_for_change(DatabaseState &state, Clock::time_point refreshed_at, Clock::duration took) {
  Clock::time_point looked_at = refreshed_at - look_for_expired_every;
  for (;;) {
    const bool expires = settings().activity_retention > 0;
    if (expires && left_of(look_for_expired_every, looked_at) == 0) {
      drop_expired_activities(); // marks the summaries as changed if there are any
      looked_at = Clock::now();
    }
    const Clock::duration rest =
        Max(Clock::duration(milliseconds(settings().refresh_interval)), took * rest_per_refresh);
    const bool changed = pg_atomic_read_u32(&state.summaries_changed) != 0;
    long timeout = changed ? left_of(rest, refreshed_at) : -1;
    if (timeout == 0) return;
    if (const long look = left_of(look_for_expired_every, looked_at); expires && (timeout < 0 || look < timeout))
      timeout = look;
    wait_for_ring(timeout);
  }
}

void run(DatabaseState &state) {
  for (;;) {
    pg_atomic_exchange_u32(&state.summaries_changed, 0); // whoever commits from here on marks anew
    const Clock::duration took = refresh_summaries();
    note_success(state.refresher);
    wait_for_change(state, Clock::now(), took);
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
