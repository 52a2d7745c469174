// live_private.await_published(): waits until all that a state has seen is published, since the live events of its
// topic begin after that. The caller is a user's query, so the wait is short and polls: no process reports on topics.
#include "boundary.hpp"
#include "query.hpp"
#include "topic.hpp"

#include <array>

namespace pg_live {

namespace {

constexpr int longest_wait_for_position_ms = 3000;
constexpr int longest_pause_ms = 50;

void pause(long milliseconds) {
  (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

// Each poll runs its query with a new snapshot.
void wait_until_published(std::array<Datum, 2> topic_and_position) {
  static constinit KeptPlan plan;
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), longest_wait_for_position_ms);
  for (long pause_ms = 1;; pause_ms = Min(2 * pause_ms, longest_pause_ms)) {
    const NullableDatum published = as_owner([&topic_and_position] {
      return query_value(plan, "select live_private.is_published($1, $2)", {TEXTOID, TEXTOID},
                         topic_and_position.data(), nullptr, Effects::writes);
    });
    if (DatumGetBool(published.value)) return;
    if (GetCurrentTimestamp() >= end)
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                      errmsg("events that the position has seen are not published"),
                      errhint("Read the current state again, then follow the topic from there.")));
    pause(pause_ms);
  }
}

Datum await_published_body(FunctionCallInfo fcinfo) {
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  const std::string_view position = text_argument(fcinfo, 1, "after_position");
  require_can_receive(topic);
  if (position.find('@') == std::string_view::npos) PG_RETURN_VOID();
  if (IsolationUsesXactSnapshot())
    ereport(ERROR,
            (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
             errmsg("live_private.await_published() cannot run in a REPEATABLE READ or SERIALIZABLE transaction")));
  wait_until_published({PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)});
  PG_RETURN_VOID();
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_await_published);
extern PGDLLEXPORT Datum pg_live_await_published(PG_FUNCTION_ARGS);

Datum pg_live_await_published(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::await_published_body>(fcinfo); }
}
