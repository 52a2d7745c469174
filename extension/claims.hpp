// The claims of the signed-in user, from the settings that PostgREST and Supabase make: request.jwt.claims, or the
// older request.jwt.claim.sub and request.jwt.claim.role, which win where they are set (as in auth.uid()).
#pragma once

namespace pg_live {

// Takes the three settings over, so that a change is noticed without comparing texts. Where another library has
// defined them already, their texts are compared instead. Called once, from _PG_init.
void watch_claims();

// Whether live.user_id() is not null.
bool is_signed_in();

} // namespace pg_live
