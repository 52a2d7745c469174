// The refresher of one database: a separate background worker, since events must not wait for a long REFRESH.
#pragma once

namespace pg_live {

// Registers one refresher for each database of pg_live.databases if the server preloads the library.
void register_refreshers();

} // namespace pg_live
