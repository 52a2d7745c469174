// The grants of the installation, which must not become initial privileges of the extension.
#include "boundary.hpp"
#include "postgres.hpp"

extern "C" {
#include "commands/extension.h"
#include "executor/spi.h"
}

namespace pg_live {

namespace {

// An error leaves the flag false, as CREATE EXTENSION sets it when it fails.
Datum grant_found_clients_body(FunctionCallInfo) {
  const bool installing = creating_extension;
  creating_extension = false;
  SPI_connect();
  if (SPI_execute("select live.grant_client(r.oid::pg_catalog.regrole) from pg_catalog.pg_roles r "
                  "where r.rolname in ('anon', 'authenticated', 'service_role')",
                  false, 0) != SPI_OK_SELECT)
    elog(ERROR, "cannot grant the client functions");
  SPI_finish();
  creating_extension = installing;
  PG_RETURN_VOID();
}

} // namespace

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_grant_found_clients);
extern PGDLLEXPORT Datum pg_live_grant_found_clients(PG_FUNCTION_ARGS);

Datum pg_live_grant_found_clients(PG_FUNCTION_ARGS) {
  return pg_live::entry<pg_live::grant_found_clients_body>(fcinfo);
}
}
