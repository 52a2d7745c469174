// Queries from C++: plans that are kept for the session, run with the rights of the extension's owner.
//
// Queries qualify every name and use no operator, since they run under the caller's search path.
#pragma once

#include "postgres.hpp"

#include <initializer_list>
#include <string_view>

namespace pg_live {

// A plan that is prepared at first use and kept. The plan cache revalidates it, also after DROP and CREATE EXTENSION.
// For static storage; to be used between SPI_connect and SPI_finish.
class KeptPlan {
 public:
  SPIPlanPtr get(const char *statement, std::initializer_list<Oid> types);

 private:
  SPIPlanPtr plan_ = nullptr;
};

enum class Effects { none, writes };

// The single value that a query returns, in the memory of the caller. `nulls` has 'n' for a null value and a space for
// others; nullptr if no value is null. Connects to SPI itself.
NullableDatum query_value(KeptPlan &plan, const char *statement, std::initializer_list<Oid> types, const Datum *values,
                          const char *nulls, Effects effects);

// The same for a statement without arguments that runs too rarely for its plan to be kept.
NullableDatum query_value(const char *statement, Effects effects);

// Runs a body with the rights of the extension's owner, since no role has been granted the tables. If the body raises,
// the end of the (sub)transaction restores the user.
template <typename Body>
auto as_owner(Body body) -> decltype(body());

// The owner of the extension's objects.
Oid extension_owner();

template <typename Body>
auto as_owner(Body body) -> decltype(body()) {
  Oid caller = InvalidOid;
  int security_context = 0;
  GetUserIdAndSecContext(&caller, &security_context);
  SetUserIdAndSecContext(extension_owner(), security_context | SECURITY_LOCAL_USERID_CHANGE);
  const auto result = body();
  SetUserIdAndSecContext(caller, security_context);
  return result;
}

// Returns the rows of the last query from a set-returning function with the same columns. To be called between
// SPI_execute and SPI_finish, after InitMaterializedSRF.
void return_rows(ReturnSetInfo *result);

// An argument that must not be null (22004). The view points into the argument.
std::string_view text_argument(FunctionCallInfo fcinfo, int index, const char *name);

} // namespace pg_live
