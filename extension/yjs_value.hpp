// Updates of Yjs in values of SQL.
//
// All of these throw SqlError or PgError, and are to be called from frames that hold C++ objects.
#pragma once

#include "postgres.hpp"

#include "merge/yjs_update.hpp"

#include <string_view>
#include <vector>

namespace pg_live {

// The bytes of an argument of type bytea; valid as long as the call of the SQL function.
std::string_view bytes_argument(FunctionCallInfo fcinfo, int index);

Datum bytes_datum(std::string_view bytes);

// Error 22023 for bytes that are no update.
yjs::Update checked_update(std::string_view bytes);

// The updates of an argument of type bytea[]. Errors: 22004 for an element that is null, 22023.
std::vector<yjs::Update> updates_argument(FunctionCallInfo fcinfo, int index);

} // namespace pg_live
