// The bad weather: what is cut, terminated and killed while the writers write.
#pragma once

#include "listener.hpp"
#include "progress.hpp"
#include "writer.hpp"

#include <deque>

namespace pg_live::storm {

// Strikes once a second, as the options say, until no writer runs. `listener` may be null.
void strike(const Options &options, Progress &progress, const Listener *listener, const std::deque<Writer> &writers);

} // namespace pg_live::storm
