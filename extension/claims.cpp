// The identity functions: live.user_id() and its siblings. A policy may call them on every row, so the parsed claims
// are cached until a setting changes, and a row costs one copy.
//
// It returns a copy, never the cached value itself: a column that was computed before a set_config() in the same
// statement must keep the old user. Nothing here raises on malformed claims: an invalid claim is NULL.
#include "claims.hpp"

#include "boundary.hpp"
#include "query.hpp"
#include "text/json.hpp"
#include "text_view.hpp"

extern "C" {
#include "utils/uuid.h"
}

#include <optional>
#include <string_view>

namespace pg_live {

namespace {

constexpr size_t claims_limit = 64 * 1024;
constexpr size_t user_id_limit = 255; // characters

// One of the settings: its value as PostgreSQL keeps it, and the value last parsed where no hook reports changes.
struct ClaimSetting {
  const char *name;
  char *value = nullptr;
  bool hooked = false;
  char *seen = nullptr;
};

constinit ClaimSetting claims_setting{"request.jwt.claims"};
constinit ClaimSetting sub_setting{"request.jwt.claim.sub"};
constinit ClaimSetting role_setting{"request.jwt.claim.role"};

struct Identity {
  bool stale = true;
  text *user_id = nullptr;
  text *role = nullptr;
  bool has_uuid = false; // whether user_id is a UUID; `uuid` has its value then
  pg_uuid_t uuid{};
};

constinit Identity identity;

const char *current_value(const ClaimSetting &setting) {
  const char *const value = setting.hooked ? setting.value : GetConfigOption(setting.name, true, false);
  return value == nullptr ? "" : value;
}

// Whether a setting without a hook has another value than at the last call; remembers the value.
bool changed(ClaimSetting &setting) {
  if (setting.hooked) return false;
  const char *const value = current_value(setting);
  if (setting.seen != nullptr && strcmp(setting.seen, value) == 0) return false;
  char *const copy = MemoryContextStrdup(TopMemoryContext, value);
  if (setting.seen != nullptr) pfree(setting.seen);
  setting.seen = copy;
  return true;
}

bool is_ascii(std::string_view value) {
  for (const char character : value)
    if (IS_HIGHBIT_SET(character)) return false;
  return true;
}

// Whether the older settings, one a claim, count: only where request.jwt.claims is empty, not where it is merely
// invalid. A value that a pooled session left in one of them must not become the user of a request whose token names
// another user, or none.
bool older_settings_count() { return current_value(claims_setting)[0] == '\0'; }

std::optional<json::Value> parsed_claims() {
  const std::string_view claims = current_value(claims_setting);
  if (claims.empty() || claims.size() > claims_limit) return std::nullopt;
  if (GetDatabaseEncoding() != PG_UTF8 && !is_ascii(claims)) return std::nullopt;
  const std::optional<json::Value> value = json::parse(claims);
  return value && value->kind == json::Kind::object ? value : std::nullopt;
}

// The string as text in the current memory context; null if it is no string or has no form in the database's encoding.
text *string_to_text(json::Value value) {
  if (value.kind != json::Kind::string) return nullptr;
  auto *const result = static_cast<text *>(palloc(VARHDRSZ + value.raw.size()));
  const std::optional<size_t> length = json::unescape_into(value, {VARDATA(result), value.raw.size()});
  if (!length) return nullptr;
  if (GetDatabaseEncoding() != PG_UTF8 && !is_ascii({VARDATA(result), *length})) return nullptr;
  SET_VARSIZE(result, VARHDRSZ + *length);
  return result;
}

// A user id or a role: 1..255 characters, none of them a control character. The encoding is checked because PostgreSQL
// does not verify settings that come with the start-up packet of a connection.
bool is_identifier(const text *value) {
  const int length = VARSIZE_ANY_EXHDR(value);
  const char *const data = VARDATA_ANY(value);
  if (length == 0 || !pg_verifymbstr(data, length, true)) return false;
  if (pg_mbstrlen_with_len(data, length) > static_cast<int>(user_id_limit)) return false;
  for (int index = 0; index < length; ++index)
    if (static_cast<unsigned char>(data[index]) < 0x20 || data[index] == 0x7f) return false;
  return true;
}

// The claim as a value of the cache, in TopMemoryContext; null if it is not an identifier.
text *identifier(const ClaimSetting &older, const std::optional<json::Value> &claims, std::string_view name) {
  text *found = nullptr;
  if (older_settings_count()) {
    found = cstring_to_text(current_value(older));
  } else if (claims) {
    if (const std::optional<json::Value> claim = json::member(*claims, name)) found = string_to_text(*claim);
  }
  if (found == nullptr || !is_identifier(found)) return nullptr;
  const Size size = VARSIZE(found);
  return static_cast<text *>(memcpy(MemoryContextAlloc(TopMemoryContext, size), found, size));
}

// 8-4-4-4-12 hexadecimal digits. uuid_in() accepts more forms, but raises on invalid ones.
bool is_uuid(std::string_view value) {
  if (value.size() != 36) return false;
  for (size_t index = 0; index < value.size(); ++index) {
    const bool dash = index == 8 || index == 13 || index == 18 || index == 23;
    if (dash ? value[index] != '-' : !isxdigit(static_cast<unsigned char>(value[index]))) return false;
  }
  return true;
}

void derive_uuid() {
  const text *const id = identity.user_id;
  identity.has_uuid = id != nullptr && is_uuid(view(id));
  if (identity.has_uuid)
    identity.uuid = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text_to_cstring(id))));
}

const Identity &current_identity() {
  for (ClaimSetting *const setting : {&claims_setting, &sub_setting, &role_setting})
    if (changed(*setting)) identity.stale = true;
  if (!identity.stale) return identity;
  if (identity.user_id != nullptr) pfree(identity.user_id);
  if (identity.role != nullptr) pfree(identity.role);
  identity.user_id = identity.role = nullptr;

  const std::optional<json::Value> claims = parsed_claims();
  identity.user_id = identifier(sub_setting, claims, "sub");
  identity.role = identifier(role_setting, claims, "role");
  derive_uuid();
  identity.stale = false; // last, since the code above may run out of memory
  return identity;
}

void mark_stale(const char *, void *) { identity.stale = true; }

// Whether a library has defined the setting. A placeholder (set before any library defined it) does not count.
bool is_defined(const char *name) {
  return GetConfigOptionByName(name, nullptr, true) != nullptr &&
         (GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) == 0;
}

void watch(ClaimSetting &setting, const char *description) {
  if (is_defined(setting.name)) return;
  setting.hooked = true;
  DefineCustomStringVariable(setting.name, description, nullptr, &setting.value, nullptr, PGC_USERSET, 0, nullptr,
                             mark_stale, nullptr);
}

Datum copy_or_null(FunctionCallInfo fcinfo, const text *value) {
  if (value == nullptr) PG_RETURN_NULL();
  const Size size = VARSIZE(value);
  PG_RETURN_TEXT_P(memcpy(palloc(size), value, size));
}

Datum user_id(FunctionCallInfo fcinfo) { return copy_or_null(fcinfo, current_identity().user_id); }

Datum jwt_role(FunctionCallInfo fcinfo) { return copy_or_null(fcinfo, current_identity().role); }

Datum user_uuid(FunctionCallInfo fcinfo) {
  const Identity &current = current_identity();
  if (!current.has_uuid) PG_RETURN_NULL();
  PG_RETURN_UUID_P(static_cast<pg_uuid_t *>(memcpy(palloc(sizeof current.uuid), &current.uuid, sizeof current.uuid)));
}

Datum jwt(FunctionCallInfo fcinfo) {
  const std::optional<json::Value> claims = parsed_claims();
  if (!claims) PG_RETURN_NULL();
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(claims->raw.data(), claims->raw.size())));
}

// The older setting of one claim; null if it is not set or not valid in the database's encoding.
text *older_claim(std::string_view name) {
  const char *const value =
      GetConfigOption(psprintf("request.jwt.claim.%.*s", static_cast<int>(name.size()), name.data()), true, false);
  if (value == nullptr || value[0] == '\0') return nullptr;
  if (!pg_verifymbstr(value, static_cast<int>(strlen(value)), true)) return nullptr;
  return cstring_to_text(value);
}

Datum claim(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::string_view name = text_argument(fcinfo, 0, "name");
  if (older_settings_count()) {
    text *const older = older_claim(name);
    if (older == nullptr) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(older);
  }
  const std::optional<json::Value> claims = parsed_claims();
  if (!claims) PG_RETURN_NULL();
  const std::optional<json::Value> value = json::member(*claims, name);
  if (!value || value->kind == json::Kind::null) PG_RETURN_NULL();
  text *const result = value->kind == json::Kind::string
                           ? string_to_text(*value)
                           : cstring_to_text_with_len(value->raw.data(), value->raw.size());
  if (result == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(result);
}

} // namespace

bool is_signed_in() { return current_identity().user_id != nullptr; }

void watch_claims() {
  // No check hook: SET must not begin to fail. The prefix is not reserved, since others use it (request.method).
  watch(claims_setting, "Claims of the request's token, as JSON.");
  watch(sub_setting, "User of the request, where request.jwt.claims is empty.");
  watch(role_setting, "Role of the request, where request.jwt.claims is empty.");
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_user_id);
PG_FUNCTION_INFO_V1(pg_live_user_uuid);
PG_FUNCTION_INFO_V1(pg_live_jwt_role);
PG_FUNCTION_INFO_V1(pg_live_jwt);
PG_FUNCTION_INFO_V1(pg_live_claim);
extern PGDLLEXPORT Datum pg_live_user_id(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_user_uuid(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_jwt_role(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_jwt(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pg_live_claim(PG_FUNCTION_ARGS);

Datum pg_live_user_id(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::user_id>(fcinfo); }
Datum pg_live_user_uuid(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::user_uuid>(fcinfo); }
Datum pg_live_jwt_role(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::jwt_role>(fcinfo); }
Datum pg_live_jwt(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::jwt>(fcinfo); }
Datum pg_live_claim(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::claim>(fcinfo); }
}
