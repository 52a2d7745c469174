// Objects that are found by their presence id. A set of pointers and not a map of ids: there are very many connections.
// Invariant: the id of an object stays the same while it is in the set.
#pragma once

#include "base/uuid.hpp"

#include <cstddef>
#include <unordered_set>

namespace pg_live {

template <typename Item>
class PresenceIdSet {
 public:
  void add(Item &item) { items_.insert(&item); }
  void remove(Item &item) { items_.erase(&item); }

  // Null: there is none.
  Item *find(const Uuid &id) const {
    const auto found = items_.find(id);
    return found == items_.end() ? nullptr : *found;
  }

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }

 private:
  struct ById {
    using is_transparent = void;
    std::size_t operator()(const Uuid &id) const noexcept { return UuidHash()(id); }
    std::size_t operator()(const Item *item) const noexcept { return UuidHash()(item->presence_id()); }
    bool operator()(const Item *one, const Item *other) const noexcept { return one == other; }
    bool operator()(const Uuid &id, const Item *item) const noexcept { return id == item->presence_id(); }
  };

  std::unordered_set<Item *, ById, ById> items_;
};

} // namespace pg_live
