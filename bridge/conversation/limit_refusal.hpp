// How a client of a WebSocket is told that something was too much.
#pragma once

#include "base/sqlstate.hpp"
#include "limits/limiter.hpp"
#include "wire/codec.hpp"

#include <string>
#include <string_view>

namespace pg_live {

// `code`: the word that Supabase's servers put before such a reason; empty: none.
inline Refusal refusal_of(const Excess &excess, std::string_view code = {}) {
  std::string reason(code);
  if (!reason.empty()) reason += ": ";
  return {reason.append(text_of(excess)), sqlstate::kConfigurationLimitExceeded, excess.retry_after_seconds};
}

} // namespace pg_live
