// Sets of ids. An id is a client and a clock; a struct of length n has the n ids from its own on. The structs that an
// update has are such a set, and so are those that it deletes.
//
// Invariant: the ranges of a set are not empty, are in the order in which Yjs writes them (clients descending, clocks
// ascending) and have a gap between any two of one client.
#pragma once

#include "merge/yjs_bytes.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pg_live::yjs {

struct Id {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;

  friend bool operator==(const Id &, const Id &) = default;
};

// The ids of one client from a clock up to, and not including, another.
struct IdRange {
  std::uint64_t client = 0;
  std::uint64_t clock = 0;
  std::uint64_t end = 0;

  friend bool operator==(const IdRange &, const IdRange &) = default;
};

class IdSet {
 public:
  IdSet() = default;
  // Takes ranges in any order, which may overlap or be empty.
  explicit IdSet(std::vector<IdRange> ranges);

  bool empty() const { return ranges_.empty(); }
  const std::vector<IdRange> &ranges() const { return ranges_; }
  std::span<const IdRange> ranges_of(std::uint64_t client) const;
  bool covers(const IdSet &other) const;

  friend bool operator==(const IdSet &, const IdSet &) = default;

 private:
  std::vector<IdRange> ranges_;
};

IdSet united(std::span<const IdSet *const> sets);

// Whether a client has ids after one that is missing, so that a document could not take them yet.
bool has_gap(const IdSet &structs);

// The encoding of the delete set at the end of an update.
IdSet read_id_set(ByteReader &reader);
void append_id_set(std::string &bytes, const IdSet &set);

} // namespace pg_live::yjs
