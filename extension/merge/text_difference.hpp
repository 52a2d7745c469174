// The change set that leads from one text to another.
#pragma once

#include "merge/changeset.hpp"

#include <string_view>

namespace pg_live {

// Keeps what the texts begin and end with in common, and replaces what is between. Both are well-formed UTF-8 without
// NUL and carriage returns. Error too_long for a text that is longer than ChangeSet::max_length.
ChangeSet::Result text_difference(std::string_view before, std::string_view after);

} // namespace pg_live
