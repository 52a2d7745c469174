// Signs the tokens of the load client's users.
#pragma once

#include <string>
#include <string_view>

namespace pg_live::bench {

// A JSON Web Token (HS256) of the user, with the role authenticated, good for a day.
std::string sign_token(std::string_view user, std::string_view secret);

} // namespace pg_live::bench
