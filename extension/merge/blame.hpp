// Which operation of a log inserted each part of a text.
//
// Lengths are counted in UTF-16 units. Runs are kept in chunks, so that an operation at any place of a long text costs
// neither a walk nor a move over all of them.
#pragma once

#include "merge/changeset.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pg_live {

class Blame {
 public:
  // A part of the text that one operation inserted.
  struct Run {
    std::size_t length = 0;
    std::int64_t version = 0;

    friend bool operator==(const Run &, const Run &) = default;
  };

  // A text of that length, all of which has one version.
  Blame(std::size_t length, std::int64_t version);

  // What the change set inserts has that version.
  std::optional<ChangeSetError> apply(const ChangeSet &changes, std::int64_t version);

  // The whole text in order; no two runs that touch have one version.
  std::vector<Run> runs() const;

 private:
  struct Chunk {
    std::vector<Run> runs;
    std::size_t length = 0;
  };

  struct Place {
    std::size_t chunk = 0;
    std::size_t offset = 0; // within the chunk
  };

  Place find(std::size_t position) const;
  void erase(std::size_t position, std::size_t length);
  void insert(std::size_t position, Run run);

  std::vector<Chunk> chunks_; // never none
  std::size_t length_ = 0;
};

} // namespace pg_live
