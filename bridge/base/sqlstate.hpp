// The SQLSTATEs of errors that the bridge itself raises, by PostgreSQL's names of the conditions: clients see one set
// of codes, whether the bridge or the database refuses.
#pragma once

namespace pg_live::sqlstate {

inline constexpr const char *kInvalidParameterValue = "22023";
inline constexpr const char *kInvalidAuthorization = "28000";
inline constexpr const char *kInsufficientPrivilege = "42501";
inline constexpr const char *kConfigurationLimitExceeded = "53400"; // a rate or a number that a setting limits
inline constexpr const char *kCannotConnectNow = "57P03";           // what it depends on is not there yet
inline constexpr const char *kProgramLimitExceeded = "54000";       // a size
inline constexpr const char *kLockNotAvailable = "55P03";

} // namespace pg_live::sqlstate
