// Follows the parts of a text through its changes, see blame.hpp.
#include "merge/blame.hpp"

#include <algorithm>
#include <iterator>

namespace pg_live {

namespace {

constexpr std::size_t kMaxRuns = 512; // of a chunk

// The index of the run that begins at the offset; divides the one that has the offset within it.
std::size_t border_at(std::vector<Blame::Run> &runs, std::size_t offset) {
  std::size_t index = 0;
  while (index < runs.size() && offset >= runs[index].length)
    offset -= runs[index++].length;
  if (offset == 0) return index;
  const Blame::Run rest{runs[index].length - offset, runs[index].version};
  runs[index].length = offset;
  runs.insert(runs.begin() + static_cast<std::ptrdiff_t>(index + 1), rest);
  return index + 1;
}

} // namespace

Blame::Blame(std::size_t length, std::int64_t version) : chunks_(1), length_(length) {
  if (length > 0) chunks_.front() = {{{length, version}}, length};
}

// Stays at the end of a chunk rather than go to the start of the next one.
Blame::Place Blame::find(std::size_t position) const {
  std::size_t chunk = 0;
  while (position > chunks_[chunk].length)
    position -= chunks_[chunk++].length;
  return {chunk, position};
}

void Blame::erase(std::size_t position, std::size_t length) {
  Place at = find(position);
  while (length > 0) {
    Chunk &chunk = chunks_[at.chunk];
    const std::size_t part = std::min(length, chunk.length - at.offset);
    if (part > 0) {
      const auto begin = static_cast<std::ptrdiff_t>(border_at(chunk.runs, at.offset));
      const auto end = static_cast<std::ptrdiff_t>(border_at(chunk.runs, at.offset + part));
      chunk.runs.erase(chunk.runs.begin() + begin, chunk.runs.begin() + end);
      chunk.length -= part;
      length -= part;
    }
    if (chunk.length == 0 && chunks_.size() > 1) {
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at.chunk));
    } else {
      ++at.chunk;
    }
    at.offset = 0;
  }
}

void Blame::insert(std::size_t position, Run run) {
  const Place at = find(position);
  Chunk &chunk = chunks_[at.chunk];
  const auto place = static_cast<std::ptrdiff_t>(border_at(chunk.runs, at.offset));
  chunk.runs.insert(chunk.runs.begin() + place, run);
  chunk.length += run.length;
  if (chunk.runs.size() <= kMaxRuns) return;
  Chunk second;
  const auto middle = chunk.runs.begin() + kMaxRuns / 2;
  second.runs.assign(middle, chunk.runs.end());
  chunk.runs.erase(middle, chunk.runs.end());
  for (const Run &moved : second.runs)
    second.length += moved.length;
  chunk.length -= second.length;
  chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at.chunk + 1), std::move(second));
}

std::optional<ChangeSetError> Blame::apply(const ChangeSet &changes, std::int64_t version) {
  if (changes.length_before() != length_) return ChangeSetError::wrong_length;
  std::size_t position = 0;
  for (const ChangeSet::Section &section : changes.sections()) {
    if (section.kind == ChangeSet::Section::Kind::replace) {
      erase(position, section.length);
      if (section.inserted_length > 0) insert(position, {section.inserted_length, version});
    }
    position += section.length_after();
  }
  length_ = changes.length_after();
  return std::nullopt;
}

std::vector<Blame::Run> Blame::runs() const {
  std::vector<Run> result;
  for (const Chunk &chunk : chunks_) {
    for (const Run &run : chunk.runs) {
      if (!result.empty() && result.back().version == run.version) {
        result.back().length += run.length;
      } else {
        result.push_back(run);
      }
    }
  }
  return result;
}

} // namespace pg_live
