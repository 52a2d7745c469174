#include "merge/yjs_merge.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

namespace pg_live::yjs {

namespace {

enum class Skips : unsigned char { included, left_out };

// Reads the structs of an update one after the other.
class StructCursor {
 public:
  StructCursor(const Update &update, Skips skips) : sections_(update.sections), skips_(skips), reader_({}) { next(); }

  const std::optional<Struct> &current() const { return current_; }

  void next() {
    do
      current_ = read();
    while (skips_ == Skips::left_out && current_ && current_->kind == StructKind::skip);
  }

 private:
  std::optional<Struct> read() {
    if (structs_left_ == 0) {
      if (sections_.empty()) return std::nullopt;
      const Section &section = sections_.front();
      structs_left_ = section.struct_count;
      next_id_ = section.first;
      reader_ = ByteReader(section.bytes);
      sections_ = sections_.subspan(1);
    }
    --structs_left_;
    Struct read = read_struct(reader_, next_id_);
    next_id_.clock = read.end();
    return read;
  }

  std::span<const Section> sections_; // not begun
  Skips skips_;
  ByteReader reader_;
  std::uint64_t structs_left_ = 0; // in the section that is being read
  Id next_id_;
  std::optional<Struct> current_;
};

// The place of a cursor in the queue: the struct that is written first comes first. Of two with the same id, the cursor
// that was moved last comes first: Yjs sorts its list of cursors with a stable sort after each move of the first one.
struct Turn {
  Id id;
  std::int64_t rank = 0;
  std::size_t cursor = 0;

  friend bool operator<(const Turn &one, const Turn &other) {
    if (one.id.client != other.id.client) return one.id.client < other.id.client;
    if (one.id.clock != other.id.clock) return one.id.clock > other.id.clock;
    return one.rank > other.rank;
  }
};

// Merges as Yjs does, step by step, so that the bytes are the same: where updates overlap, the steps decide which of
// them a struct is taken from, and where garbage is joined.
class Merger {
 public:
  explicit Merger(std::span<const Update> updates) {
    cursors_.reserve(updates.size());
    for (const Update &update : updates) {
      if (update.sections.empty()) continue;
      cursors_.emplace_back(update, Skips::left_out);
      enqueue(cursors_.size() - 1, static_cast<std::int64_t>(cursors_.size()));
    }
  }

  std::string merge(const IdSet &deleted) {
    for (std::int64_t rank = 0; !turns_.empty(); --rank) {
      const std::size_t first = turns_.top().cursor;
      turns_.pop();
      take(cursors_[first]);
      enqueue(first, rank);
    }
    if (pending_) writer_.write(*pending_);
    return writer_.finish(deleted);
  }

 private:
  void enqueue(std::size_t cursor, std::int64_t rank) {
    if (const auto &current = cursors_[cursor].current()) turns_.push({current->id, rank, cursor});
  }

  // Takes from a cursor what follows, without a hole, on what is pending.
  void take(StructCursor &cursor) {
    const std::uint64_t client = cursor.current()->id.client;
    if (pending_ && !take_first(cursor)) return;
    if (!pending_) advance(cursor);
    while (cursor.current() && cursor.current()->id.client == client && cursor.current()->id.clock == pending_->end())
      advance(cursor);
  }

  // Makes the first new struct of a cursor the pending one. False if another cursor may be ahead of it.
  bool take_first(StructCursor &cursor) {
    const std::uint64_t client = cursor.current()->id.client;
    bool moved = false;
    for (; cursor.current() && is_pending(*cursor.current()); moved = true)
      cursor.next();
    if (!cursor.current() || cursor.current()->id.client != client) return false;
    const Struct &current = *cursor.current();
    if (client != pending_->id.client) {
      advance(cursor);
    } else if (current.id.clock > pending_->end()) {
      if (moved) return false;
      skip_until(current.id);
    } else if (current.kind == StructKind::garbage && pending_->kind == StructKind::garbage) {
      pending_->length = current.end() - pending_->id.clock;
    } else {
      const std::uint64_t known = pending_->end() - current.id.clock;
      write_pending(known > 0 ? without_first(current, known) : current);
      cursor.next();
    }
    return true;
  }

  // Whether the pending struct covers all of this one.
  bool is_pending(const Struct &read) const {
    return read.id.client == pending_->id.client && read.end() <= pending_->end();
  }

  void skip_until(Id next) {
    const Struct skip{
        .kind = StructKind::skip, .id = {next.client, pending_->end()}, .length = next.clock - pending_->end()};
    write_pending(skip);
  }

  void advance(StructCursor &cursor) {
    write_pending(*cursor.current());
    cursor.next();
  }

  void write_pending(const Struct &next) {
    if (pending_) writer_.write(*pending_);
    pending_ = next;
  }

  std::vector<StructCursor> cursors_;
  std::priority_queue<Turn> turns_;
  std::optional<Struct> pending_; // the next to be written: garbage may be joined to it
  UpdateWriter writer_;
};

} // namespace

Contents united(std::span<const Update> updates) {
  std::vector<const IdSet *> structs;
  std::vector<const IdSet *> deleted;
  for (const Update &update : updates) {
    structs.push_back(&update.contents.structs);
    deleted.push_back(&update.contents.deleted);
  }
  return {united(structs), united(deleted)};
}

std::string merge(std::span<const Update> updates) {
  if (updates.size() == 1) return std::string(updates.front().bytes);
  return Merger(updates).merge(united(updates).deleted);
}

// After the first struct that is not known, all of the client follow, with their Skips.
std::string diff(const Update &update, const StateVector &known) {
  UpdateWriter writer;
  std::optional<std::uint64_t> writing;
  for (StructCursor cursor(update, Skips::included); cursor.current(); cursor.next()) {
    const Struct &current = *cursor.current();
    if (writing == current.id.client) {
      writer.write(current);
      continue;
    }
    const std::uint64_t clock = known.clock(current.id.client);
    if (current.kind == StructKind::skip || current.end() <= clock) continue;
    writer.write(current.id.clock < clock ? without_first(current, clock - current.id.clock) : current);
    writing = current.id.client;
  }
  return writer.finish(update.contents.deleted);
}

bool has(const Contents &log, const Contents &update) {
  return log.structs.covers(update.structs) && log.deleted.covers(update.deleted);
}

SnapshotVerdict verify_snapshot(const Contents &snapshot, const Contents &log) {
  if (has_gap(snapshot.structs)) return SnapshotVerdict::has_gap;
  if (!snapshot.structs.covers(log.structs)) return SnapshotVerdict::lacks_structs;
  if (!snapshot.deleted.covers(log.deleted)) return SnapshotVerdict::lacks_deletions;
  return SnapshotVerdict::complete;
}

} // namespace pg_live::yjs
