// Operations of sessions as arguments of SQL functions, whatever the policy.
#pragma once

#include "postgres.hpp"

#include <functional>
#include <string_view>

extern "C" {
#include "utils/jsonb.h"
}

namespace pg_live {

// Raises 0A000 in a database with another encoding.
void require_utf8();

// The text of a jsonb, in the memory of the caller.
std::string_view json_text(Jsonb *value);

// Calls with the text of each operation of an argument of the type jsonb[]. Raises 22004 for a null.
void for_each_operation(FunctionCallInfo fcinfo, int argument, const std::function<void(std::string_view)> &use);

} // namespace pg_live
