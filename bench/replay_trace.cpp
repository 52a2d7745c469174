// Replays a recorded editing history from standard input through parse() and a document in pieces, see bench/replay.
//
// The history is {startContent, endContent, txns: [{patches: [[position, deleted, inserted], ...]}]}; positions count
// characters, which here must have one UTF-16 unit each.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "merge/changeset.hpp"
#include "text/json.hpp"
#include "text/utf16.hpp"

using namespace pg_live;

namespace {

json::Value field(json::Value object, std::string_view name) {
  const std::optional<json::Value> value = json::member(object, name);
  if (!value) throw std::runtime_error("trace has no " + std::string(name));
  return *value;
}

std::string text_of(json::Value value) {
  std::string text;
  if (!json::unescape(value, text)) throw std::runtime_error("trace has something else than a string");
  return text;
}

std::size_t size_of(json::Value value) {
  const std::optional<std::int64_t> number = json::to_int64(value);
  if (!number || *number < 0) throw std::runtime_error("trace has something else than a position");
  return static_cast<std::size_t>(*number);
}

// [position, deleted, inserted] as a change set of a document of that length.
ChangeSet change_set_of(json::Value patch, std::size_t length) {
  std::vector<json::Value> parts;
  for (const json::Value &part : json::elements(patch))
    parts.push_back(part);
  if (parts.size() != 3) throw std::runtime_error("patch does not have three parts");
  const std::size_t position = size_of(parts[0]);
  const std::size_t deleted = size_of(parts[1]);
  const std::string inserted = text_of(parts[2]);
  for (const char c : inserted)
    if (static_cast<unsigned char>(c) >= 0xF0) throw std::runtime_error("trace has characters of two units");
  ChangeSet changes;
  if (position > length || deleted > length - position || !changes.keep(position) ||
      !changes.replace(deleted, inserted) || !changes.keep(length - position - deleted))
    throw std::runtime_error("patch goes beyond its document");
  return changes;
}

// The changes as they come from an editor, in JSON.
std::vector<std::string> edits_of(json::Value trace) {
  std::vector<std::string> edits;
  std::size_t length = utf16_length(text_of(field(trace, "startContent")));
  for (const json::Value &transaction : json::elements(field(trace, "txns")))
    for (const json::Value &patch : json::elements(field(transaction, "patches"))) {
      const ChangeSet changes = change_set_of(patch, length);
      length = changes.length_after();
      edits.push_back(changes.to_json());
    }
  return edits;
}

// A text in pieces of some kilobytes, so that an edit moves few bytes.
class Document {
 public:
  explicit Document(const std::string &text) { insert(Place{}, text, utf16_length(text)); }

  void apply(const ChangeSet &changes) {
    if (changes.length_before() != length_) throw std::runtime_error("change set is for another length");
    Place place;
    for (const ChangeSet::Section &section : changes.sections()) {
      if (section.kind == ChangeSet::Section::Kind::keep) {
        place = skip(place, section.length);
        continue;
      }
      remove(place, section.length);
      place = insert(place, changes.inserted_text(section), section.inserted_length);
    }
  }

  std::string text() const {
    std::string all;
    for (const Piece &piece : pieces_)
      all += piece.text;
    return all;
  }

 private:
  static constexpr std::size_t kMaxPieceSize = 4096;

  struct Piece {
    std::string text;
    std::size_t length = 0; // in UTF-16 units
  };

  struct Place {
    std::size_t piece = 0;
    std::size_t offset = 0; // in UTF-16 units
  };

  Place skip(Place place, std::size_t units) const {
    place.offset += units;
    while (place.offset > pieces_[place.piece].length)
      place.offset -= pieces_[place.piece++].length;
    return place;
  }

  static std::size_t byte_offset(const Piece &piece, std::size_t units) {
    const std::optional<std::size_t> offset =
        piece.length == piece.text.size() ? units : utf16_to_byte_offset(piece.text, units);
    if (!offset) throw std::runtime_error("change set divides a character");
    return *offset;
  }

  void remove(Place place, std::size_t units) {
    length_ -= units;
    while (units > 0) {
      Piece &piece = pieces_[place.piece];
      const std::size_t here = std::min(units, piece.length - place.offset);
      const std::size_t begin = byte_offset(piece, place.offset);
      piece.text.erase(begin, byte_offset(piece, place.offset + here) - begin);
      piece.length -= here;
      units -= here;
      place = {place.piece + 1, 0};
    }
  }

  // Returns the place after the text.
  Place insert(Place place, std::string_view text, std::size_t units) {
    length_ += units;
    Piece &piece = pieces_[place.piece];
    piece.text.insert(byte_offset(piece, place.offset), text);
    piece.length += units;
    place.offset += units;
    while (pieces_[place.piece].text.size() > kMaxPieceSize) {
      divide(place.piece);
      place = skip(place, 0);
    }
    return place;
  }

  void divide(std::size_t index) {
    Piece &piece = pieces_[index];
    const std::size_t length = std::min(piece.length, kMaxPieceSize) / 2;
    const std::size_t size = byte_offset(piece, length);
    Piece rest{piece.text.substr(size), piece.length - length};
    piece.text.resize(size);
    piece.length = length;
    pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(rest));
  }

  std::vector<Piece> pieces_{1};
  std::size_t length_ = 0;
};

int replay(const std::string &text) {
  const std::optional<json::Value> trace = json::parse(text);
  if (!trace) throw std::runtime_error("trace is not JSON");
  const std::vector<std::string> edits = edits_of(*trace);
  Document document(text_of(field(*trace, "startContent")));

  const auto start = std::chrono::steady_clock::now();
  for (const std::string &edit : edits) {
    const ChangeSet::Result changes = ChangeSet::parse(edit);
    if (const auto *error = std::get_if<ChangeSetError>(&changes))
      throw std::runtime_error(std::string(message(*error)));
    document.apply(std::get<ChangeSet>(changes));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  const std::string end = document.text();
  const bool is_as_recorded = end == text_of(field(*trace, "endContent"));
  std::printf("%zu edits in %.3f s, %.0f ns each; document of %zu bytes, %s\n", edits.size(), took.count(),
              took.count() * 1e9 / static_cast<double>(edits.size()), end.size(),
              is_as_recorded ? "as recorded" : "NOT as recorded");
  return is_as_recorded ? 0 : 1;
}

} // namespace

int main() {
  try {
    std::cin >> std::noskipws;
    return replay(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "replay_trace: %s\n", error.what());
    return 1;
  }
}
