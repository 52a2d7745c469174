// The refresher of one database: a background worker of its own, since events must not wait for a long REFRESH.
#pragma once

namespace pg_live {

// Registers one refresher for each database of pg_live.databases. Does nothing unless the server preloads the library.
void register_refreshers();

} // namespace pg_live
