// The entry of the module: what PostgreSQL runs when it loads the library, in order.
//
// Words (one meaning each, in SQL, C++, JSON and TypeScript): an *event* is something that happened on a *topic*;
// *durable* events are kept and can be replayed, *signals* are not kept; a *batch* has the events that became visible
// between two snapshots; a *position* `<batch>-<event id>` is a place in the stream of events.
#include "background_worker.hpp"
#include "boundary.hpp"
#include "claims.hpp"
#include "deadline.hpp"
#include "event.hpp"
#include "prepared.hpp"
#include "refresher.hpp"
#include "settings.hpp"
#include "shared_state.hpp"
#include "summary.hpp"
#include "worker.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT // version 18: pg_get_loaded_modules() shows name and version
PG_MODULE_MAGIC_EXT(.name = "pg_live", .version = PG_LIVE_VERSION);
#else
PG_MODULE_MAGIC;
#endif
extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(pg_live_version);
extern PGDLLEXPORT Datum pg_live_version(PG_FUNCTION_ARGS);

void _PG_init(void) {
  pg_live::guard([] {
    pg_live::define_settings();
    pg_live::watch_claims();
    pg_live::request_shared_state();
    pg_live::watch_transactions();
    pg_live::watch_deadlines();
    pg_live::watch_summaries();
    pg_live::watch_prepared_transactions();
    pg_live::watch_databases();
    pg_live::register_workers();
    pg_live::register_refreshers(); // last: if not all workers fit, events matter more
  });
}

Datum pg_live_version(PG_FUNCTION_ARGS) {
  return pg_live::guard([fcinfo]() -> Datum {
    static_cast<void>(fcinfo);
    PG_RETURN_TEXT_P(cstring_to_text(PG_LIVE_VERSION));
  });
}
}
