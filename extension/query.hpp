// Queries from C++: plans that are kept for the session, and running them with the rights of the extension's owner.
//
// All texts qualify every name and use no operator: the search path at this point is the caller's.
#pragma once

#include "postgres.hpp"

#include <initializer_list>
#include <string_view>

namespace pg_live {

// A plan that is prepared at its first use and kept. The plan cache revalidates it, also after DROP and CREATE
// EXTENSION. For static storage; use between SPI_connect and SPI_finish.
class KeptPlan {
 public:
  SPIPlanPtr get(const char *statement, std::initializer_list<Oid> types);

 private:
  SPIPlanPtr plan_ = nullptr;
};

enum class Effects { none, writes };

// The one value that a query returns, in the memory of the caller. `nulls`: 'n' for each value that is null, otherwise
// a space; null: none is. Connects to SPI itself.
NullableDatum query_value(KeptPlan &plan, const char *statement, std::initializer_list<Oid> types, const Datum *values,
                          const char *nulls, Effects effects);

// The same for a statement without arguments that runs rarely, so that no plan of it is kept.
NullableDatum query_value(const char *statement, Effects effects);

// Runs a body with the rights of the extension's owner, who owns the tables: they are granted to nobody. If the body
// raises, the end of the (sub)transaction restores the user.
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

// Makes the rows of the last query those of a set-returning function: between SPI_execute and SPI_finish, after
// InitMaterializedSRF. Their columns are those of the function.
void return_rows(ReturnSetInfo *result);

// An argument that must not be null (22004). The view points into the argument.
std::string_view text_argument(FunctionCallInfo fcinfo, int index, const char *name);

} // namespace pg_live
