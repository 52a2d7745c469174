// See page_link.hpp.
#include "http/page_link.hpp"

#include "http/url_query.hpp"

#include <array>

namespace pg_live {

namespace {

// What tells one page from another, and secrets.
constexpr std::array<std::string_view, 4> kNoFilters = {"cursor", "direction", "apikey", "token"};

} // namespace

PageLinks::PageLinks(std::string_view query)
    : filters_(query_without(query, kNoFilters)),
      direction_(query_argument(query, "direction") == "backwards" ? Direction::backwards : Direction::forwards) {}

std::string PageLinks::value(std::string_view next_cursor, std::string_view previous_cursor) const {
  const Direction opposite = direction_ == Direction::forwards ? Direction::backwards : Direction::forwards;
  std::string links;
  if (!next_cursor.empty()) links = link(next_cursor, direction_, "next");
  if (!previous_cursor.empty()) {
    if (!links.empty()) links += ", ";
    links += link(previous_cursor, opposite, "prev");
  }
  return links;
}

std::string PageLinks::link(std::string_view cursor, Direction direction, std::string_view relation) const {
  std::string link = "<?" + filters_;
  if (!filters_.empty()) link += '&';
  link.append("cursor=").append(percent_encode(cursor));
  if (direction == Direction::backwards) link.append("&direction=backwards");
  return link.append(">; rel=\"").append(relation).append("\"");
}

} // namespace pg_live
