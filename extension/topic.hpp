// Access to topics, as seen from C++. The rules themselves are in topic.sql.
#pragma once

#include <string_view>

namespace pg_live {

// Raises 42501 unless the current user may receive the topic.
void require_can_receive(std::string_view topic);

} // namespace pg_live
