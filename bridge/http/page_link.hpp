// Links from a page to the next one and to the one before it, as the header Link has them (RFC 8288).
//
// Invariant: a link asks for the same as the request did, at another place, and holds no secret of it. It is relative
// to the request, so it is right whatever a proxy has put before the path.
#pragma once

#include <string>
#include <string_view>

namespace pg_live {

class PageLinks {
 public:
  /// Of a request with this query.
  explicit PageLinks(std::string_view query);

  /// The value of the header; empty when there is neither. The next page goes on from its cursor in the direction of
  /// the request, the one before goes back from its own; an empty cursor: there is none.
  std::string value(std::string_view next_cursor, std::string_view previous_cursor) const;

 private:
  std::string link(std::string_view cursor, bool backwards, std::string_view relation) const;

  std::string filters_;
  bool backwards_;
};

} // namespace pg_live
