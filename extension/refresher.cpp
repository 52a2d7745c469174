// The refresher: sleeps until a summary is marked as changed, refreshes, and rests for the interval, and at least
// twenty times as long as the refresh took, so that it uses no more than a twentieth of a core. A session that needs a
// snapshot marks too. Where activities or operations expire, it deletes them in small transactions, and checks for them
// during its rests too. Each task has transactions of its own and may fail alone.
#include "refresher.hpp"

#include "background_worker.hpp"
#include "boundary.hpp"
#include "chore.hpp"
#include "publish.hpp"
#include "query.hpp"
#include "settings.hpp"

#include <array>

extern "C" {
extern PGDLLEXPORT void pg_live_refresher_main(Datum argument);
}

namespace pg_live {

namespace {

using std::chrono::milliseconds;

constexpr int rest_per_refresh = 20;
constexpr milliseconds look_for_expired_every{60'000};
// How long it waits for a lock; expired activities are deleted later by as much.
constexpr const char *longest_wait = "30s";

enum class Repeat { never, until_nothing_is_left };

// A query that is run, in a transaction of its own, when a summary has changed.
struct Task {
  Chore chore;
  const char *before; // a query that waits, outside of the time taken; null for none
  const char *query;  // returns one integer
  Repeat repeat = Repeat::never;
};

constinit std::array tasks{
    Task{Chore{"adding up trends"}, nullptr, "select live_private.fold_trends()"},
    Task{Chore{"refreshing the summary of presence"}, "select live_private.lock_summary('live.presence_summary')",
         "select live_private.refresh_presence_summary()::pg_catalog.int4::pg_catalog.int8"},
    Task{Chore{"refreshing the trends of activities"}, "select live_private.lock_summary('live.activity_trends')",
         "select live_private.refresh_activity_trends()::pg_catalog.int4::pg_catalog.int8"},
    Task{Chore{"storing snapshots of sessions"}, nullptr, "select live_private.store_checkpoints(1)::pg_catalog.int8",
         Repeat::until_nothing_is_left}};

constinit std::array expiries{
    Task{Chore{"dropping activities"}, nullptr, "select live.drop_expired_activities()::pg_catalog.int8",
         Repeat::until_nothing_is_left},
    Task{Chore{"dropping operations"}, nullptr, "select live_private.drop_expired_operations()::pg_catalog.int8",
         Repeat::until_nothing_is_left}};

// Runs the query of a task in a transaction; 0 where the extension is not installed.
int64 run_query(const Task &task, Clock::duration &took) {
  WorkerTransaction transaction(task.chore.activity());
  int64 result = 0;
  // The lock keeps DROP EXTENSION from freeing the name before the call: any role's function could have it then.
  if (lock_extension(AccessShareLock)) {
    if (task.before != nullptr) query_value(task.before, Effects::writes);
    const Clock::time_point start = Clock::now();
    result = DatumGetInt64(query_value(task.query, Effects::writes).value);
    took = Clock::now() - start;
  }
  transaction.commit();
  return result;
}

// Runs a task unless it rests, once or until its query returns 0. Returns how long the last query took.
Clock::duration perform(Task &task) {
  Clock::duration took{};
  task.chore.perform([&task, &took] {
    while (run_query(task, took) > 0 && task.repeat == Repeat::until_nothing_is_left) {
    }
  });
  return took;
}

// Runs the tasks that do not rest. Returns how long they took.
Clock::duration refresh() {
  Clock::duration took{};
  for (Task &task : tasks)
    took += perform(task);
  return took;
}

// When the first failed task is tried again; nullopt if none failed.
std::optional<Clock::time_point> next_retry() {
  std::optional<Clock::time_point> next;
  for (const Task &task : tasks)
    if (const auto retry = task.chore.retry_at(); retry && (!next || *retry < *next)) next = retry;
  return next;
}

// Sleeps until a summary is marked or a failed task is due again, and the rest is over.
void wait_for_change(DatabaseState &state, Clock::time_point refreshed_at, Clock::duration took) {
  Clock::time_point look_at = refreshed_at;
  for (;;) {
    const bool expires = settings().activity_retention > 0 || settings().history_retention > 0;
    if (expires && until(look_at) == 0) {
      for (Task &expiry : expiries)
        perform(expiry); // deleted activities mark the summaries as changed
      look_at = Clock::now() + look_for_expired_every;
    }
    const Clock::time_point rested =
        refreshed_at + Max(Clock::duration(milliseconds(settings().refresh_interval)), took * rest_per_refresh);
    std::optional<Clock::time_point> next = next_retry();
    if (pg_atomic_read_u32(&state.summaries_changed) != 0) next = Clock::time_point{};
    long timeout = next ? until(Max(*next, rested)) : -1;
    if (timeout == 0) return;
    if (const long look = until(look_at); expires && (timeout < 0 || look < timeout)) timeout = look;
    wait_for_ring(timeout);
  }
}

void refresh_forever(DatabaseState &state) {
  for (;;) {
    pg_atomic_exchange_u32(&state.summaries_changed, 0); // later commits mark again
    const Clock::duration took = refresh();
    note_success(state.refresher);
    wait_for_change(state, Clock::now(), took);
  }
}

void run_refresher(int index) {
  DatabaseState &state = *database_state(index);
  begin_background_worker(state.refresher, state.name);
  SetConfigOption("lock_timeout", longest_wait, PGC_SUSET, PGC_S_OVERRIDE);
  refresh_forever(state);
}

} // namespace

void register_refreshers() { register_background_workers("pg_live refresher", "pg_live_refresher_main"); }

} // namespace pg_live

void pg_live_refresher_main(Datum argument) {
  pg_live::guard([=] { pg_live::run_refresher(DatumGetInt32(argument)); });
}
