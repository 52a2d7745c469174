// Change sets as arguments of SQL functions, and their errors as those of PostgreSQL.
#pragma once

#include "merge/document.hpp"
#include "operation_value.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

// Raises 22023.
[[noreturn]] void refuse(ChangeSetError error);

// The change set of a result; raises 22023 for an error.
ChangeSet checked(ChangeSet::Result result);

void check(std::optional<ChangeSetError> error);

// Calls for each change set of an argument of the type jsonb[].
void for_each_change_set(FunctionCallInfo fcinfo, int argument, const std::function<void(const ChangeSet &)> &use);

// A text that is not stored, to apply change sets to it; what text_of() returns of it then is its text.
Document document_of(std::string_view text);
std::string text_of(Document &document);

} // namespace pg_live
