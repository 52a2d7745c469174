// A snapshot of the database's transactions, as pg_current_snapshot() prints it: what a reader saw.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pg_live {

class XidSnapshot {
 public:
  // From "xmin:xmax:xid,xid"; nothing when the text is none.
  static std::optional<XidSnapshot> parse(std::string_view text);

  // Whether what that transaction did was visible, if it has committed.
  bool sees(std::uint64_t xid) const;

 private:
  std::uint64_t end_ = 0;              // all from here on were not visible
  std::vector<std::uint64_t> running_; // nor were these; ascending
};

} // namespace pg_live
