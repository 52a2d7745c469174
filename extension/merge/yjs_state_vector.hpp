// State vectors: for each client the clock that a document expects next. A peer answers with what comes after.
//
// Invariant: the clients are in descending order, as Yjs writes them, each once and with a clock above zero.
#pragma once

#include "merge/yjs_bytes.hpp"
#include "merge/yjs_id_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_live::yjs {

class StateVector {
 public:
  StateVector() = default;
  // Of a document with these structs: those after a gap do not count.
  explicit StateVector(const IdSet &structs);

  // The clock that is expected next; zero for an unknown client.
  std::uint64_t clock(std::uint64_t client) const;
  // All that lies before the expected clocks.
  IdSet structs() const;
  const std::vector<Id> &entries() const { return entries_; }

 private:
  friend std::optional<StateVector> read_state_vector(std::string_view bytes, Error *error);
  std::vector<Id> entries_;
};

// If the bytes are not a state vector, sets `error` (when given) and returns nothing.
std::optional<StateVector> read_state_vector(std::string_view bytes, Error *error = nullptr);
std::string encode(const StateVector &state_vector);

} // namespace pg_live::yjs
