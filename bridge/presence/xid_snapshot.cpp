// See xid_snapshot.hpp.
#include "presence/xid_snapshot.hpp"

#include <algorithm>
#include <charconv>

namespace pg_live {

namespace {

// Cuts a number off the front of the text, up to the separator or the end.
bool cut_number(std::string_view &text, char separator, std::uint64_t &number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != separator) return false;
  text.remove_prefix(1);
  return true;
}

} // namespace

std::optional<XidSnapshot> XidSnapshot::parse(std::string_view text) {
  XidSnapshot snapshot;
  std::uint64_t first = 0;
  if (!cut_number(text, ':', first) || !cut_number(text, ':', snapshot.end_) || first > snapshot.end_)
    return std::nullopt;
  while (!text.empty()) {
    std::uint64_t xid = 0;
    if (!cut_number(text, ',', xid) || (!snapshot.running_.empty() && xid <= snapshot.running_.back()))
      return std::nullopt;
    snapshot.running_.push_back(xid);
  }
  return snapshot;
}

bool XidSnapshot::sees(std::uint64_t xid) const {
  return xid < end_ && !std::binary_search(running_.begin(), running_.end(), xid);
}

} // namespace pg_live
