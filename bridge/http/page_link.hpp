// Links from a page to the next and the previous one, for the header Link (RFC 8288).
//
// Invariant: a link has the filters of the request and another cursor, and none of its secrets. It is relative to the
// request, so it is valid whatever prefix a proxy puts before the path.
#pragma once

#include <string>
#include <string_view>

namespace pg_live {

class PageLinks {
 public:
  // Of a request with this query.
  explicit PageLinks(std::string_view query);

  // The value of the header; empty if both cursors are. The next page continues from its cursor in the direction of
  // the request, the previous page from its own in the opposite one. An empty cursor means that there is no such page.
  std::string value(std::string_view next_cursor, std::string_view previous_cursor) const;

 private:
  enum class Direction : unsigned char { forwards, backwards };

  std::string link(std::string_view cursor, Direction direction, std::string_view relation) const;

  std::string filters_;
  Direction direction_;
};

} // namespace pg_live
