// The claims of the signed-in user, from the settings of PostgREST and Supabase: request.jwt.claims, or, where that is
// empty, the older request.jwt.claim.sub and request.jwt.claim.role.
#pragma once

namespace pg_live {

// Defines the three settings, so that hooks notice their changes. Where another library has defined one, its text is
// compared instead. Called once, from _PG_init.
void watch_claims();

// Whether live.user_id() is not null.
bool is_signed_in();

} // namespace pg_live
