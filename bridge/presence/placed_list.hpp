// A list of objects that know their place in it: one leaves without a search, and of the others the last alone moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pg_live {

template <typename Item>
class PlacedList;

// What stands in a PlacedList, in one at a time. Derive from it.
class Placed {
  template <typename Item>
  friend class PlacedList;
  std::uint32_t place_ = 0;
};

template <typename Item>
class PlacedList {
 public:
  void add(Item &item) {
    place(item) = static_cast<std::uint32_t>(items_.size());
    items_.push_back(&item);
  }

  // The last one takes the place.
  void remove(Item &item) {
    place(*items_.back()) = place(item);
    items_[place(item)] = items_.back();
    items_.pop_back();
  }

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 private:
  static std::uint32_t &place(Placed &item) { return item.place_; }

  std::vector<Item *> items_;
};

} // namespace pg_live
