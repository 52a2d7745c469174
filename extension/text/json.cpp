// Reading and writing JSON, see json.hpp. These functions trust that parse() has accepted the text and validate nothing
// again.
#include "text/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "text/json_bytes.hpp"
#include "text/utf8.hpp"

namespace pg_live::json {

namespace {

std::string_view without_space(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  return text;
}

// Length of the string that validated text begins with, quotes included.
std::size_t string_length(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"')
    at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

std::size_t scalar_length(std::string_view text) {
  const std::size_t end = text.find_first_of(",]} \n\r\t");
  return end == std::string_view::npos ? text.size() : end;
}

std::size_t container_length(std::string_view text) {
  std::size_t at = 0;
  std::size_t depth = 0;
  do {
    const char c = text[at];
    if (c == '"') {
      at += string_length(text.substr(at));
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  } while (depth > 0 && at < text.size());
  return at;
}

// The value that validated text begins with.
Value first_value(std::string_view text) {
  switch (text.front()) {
  case '{':
    return {Kind::object, text.substr(0, container_length(text))};
  case '[':
    return {Kind::array, text.substr(0, container_length(text))};
  case '"':
    return {Kind::string, text.substr(0, string_length(text))};
  case 't':
  case 'f':
    return {Kind::boolean, text.substr(0, scalar_length(text))};
  case 'n':
    return {Kind::null, text.substr(0, scalar_length(text))};
  default:
    return {Kind::number, text.substr(0, scalar_length(text))};
  }
}

void read_item(std::string_view &rest, Value &value) {
  value = first_value(rest);
  rest.remove_prefix(value.raw.size());
}

void read_item(std::string_view &rest, Member &member) {
  member.key = rest.substr(0, string_length(rest));
  rest = without_space(rest.substr(member.key.size()));
  rest = without_space(rest.substr(1)); // the colon
  read_item(rest, member.value);
}

// Writes a code point as UTF-8 and returns its length.
std::size_t encode_utf8(unsigned code_point, std::span<char, 4> out) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  if (code_point < 0x80) {
    out[0] = byte(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = byte(0xC0 | (code_point >> 6));
    out[1] = byte(0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = byte(0xE0 | (code_point >> 12));
    out[1] = byte(0x80 | ((code_point >> 6) & 0x3F));
    out[2] = byte(0x80 | (code_point & 0x3F));
    return 3;
  }
  out[0] = byte(0xF0 | (code_point >> 18));
  out[1] = byte(0x80 | ((code_point >> 12) & 0x3F));
  out[2] = byte(0x80 | ((code_point >> 6) & 0x3F));
  out[3] = byte(0x80 | (code_point & 0x3F));
  return 4;
}

// Decodes the escape at the start of `body` into `out`, removes it from `body` and returns the length written.
std::size_t decode_escape(std::string_view &body, std::span<char, 4> out) {
  const char kind = body[1];
  if (kind == 'u') {
    auto code_point = static_cast<unsigned>(hex_unit(body.substr(2)));
    body.remove_prefix(6);
    if (is_high_surrogate(static_cast<int>(code_point))) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + static_cast<unsigned>(hex_unit(body.substr(2)) - 0xDC00);
      body.remove_prefix(6);
    }
    return encode_utf8(code_point, out);
  }
  body.remove_prefix(2);
  switch (kind) {
  case 'b':
    out[0] = '\b';
    break;
  case 'f':
    out[0] = '\f';
    break;
  case 'n':
    out[0] = '\n';
    break;
  case 'r':
    out[0] = '\r';
    break;
  case 't':
    out[0] = '\t';
    break;
  default:
    out[0] = kind;
  }
  return 1;
}

// Calls `piece(string_view)` for each piece of the text that a raw string decodes to, until it returns false.
template <typename Piece>
bool for_each_piece(std::string_view raw, Piece piece) {
  std::string_view body = raw.substr(1, raw.size() - 2);
  std::array<char, 4> decoded;
  while (!body.empty()) {
    const std::size_t plain = std::min(body.find('\\'), body.size());
    if (plain > 0) {
      if (!piece(body.substr(0, plain))) return false;
      body.remove_prefix(plain);
    } else {
      const std::size_t length = decode_escape(body, decoded);
      if (!piece(std::string_view(decoded.data(), length))) return false;
    }
  }
  return true;
}

bool same_text(std::string_view raw, std::string_view other_raw) {
  if (raw == other_raw) return true;
  // Compares piece by piece, so that neither key needs a buffer for its decoded form.
  std::string_view other = other_raw.substr(1, other_raw.size() - 2);
  std::array<char, 4> decoded;
  std::string_view pending; // of `decoded`
  const bool is_prefix = for_each_piece(raw, [&](std::string_view piece) {
    for (const char c : piece) {
      if (pending.empty()) {
        if (other.empty()) return false;
        if (other.front() == '\\') {
          pending = std::string_view(decoded.data(), decode_escape(other, decoded));
        } else {
          pending = other.substr(0, 1);
          other.remove_prefix(1);
        }
      }
      if (pending.front() != c) return false;
      pending.remove_prefix(1);
    }
    return true;
  });
  return is_prefix && pending.empty() && other.empty();
}

// FNV-1a of the text that a raw string decodes to.
std::uint32_t hash_of(std::string_view raw) {
  std::uint32_t hash = 2166136261U;
  for_each_piece(raw, [&hash](std::string_view piece) {
    for (const char c : piece)
      hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return true;
  });
  return hash;
}

// A hash set of a bounded number of keys, on the stack.
class KeySet {
 public:
  static constexpr std::size_t max_keys = 256;

  bool full() const { return count_ == max_keys; }

  bool contains(std::string_view key, std::uint32_t hash) const { return !slots_[find(key, hash)].key.empty(); }

  void insert(std::string_view key, std::uint32_t hash) {
    slots_[find(key, hash)] = {key, hash};
    ++count_;
  }

 private:
  static constexpr std::size_t slot_count = 2 * max_keys;

  struct Slot {
    std::string_view key; // raw, so it is empty only in a free slot
    std::uint32_t hash = 0;
  };

  std::size_t find(std::string_view key, std::uint32_t hash) const {
    std::size_t at = hash % slot_count;
    while (!slots_[at].key.empty() && !(slots_[at].hash == hash && same_text(slots_[at].key, key)))
      at = (at + 1) % slot_count;
    return at;
  }

  std::array<Slot, slot_count> slots_{};
  std::size_t count_ = 0;
};

} // namespace

template <typename Item>
Range<Item>::Iterator::Iterator(std::string_view rest) : rest_(rest) {
  read();
}

template <typename Item>
void Range<Item>::Iterator::read() {
  rest_ = without_space(rest_);
  at_end_ = rest_.empty() || rest_.front() == '}' || rest_.front() == ']';
  if (!at_end_) read_item(rest_, item_);
}

template <typename Item>
typename Range<Item>::Iterator &Range<Item>::Iterator::operator++() {
  rest_ = without_space(rest_);
  if (!rest_.empty() && rest_.front() == ',') rest_.remove_prefix(1);
  read();
  return *this;
}

template class Range<Member>;
template class Range<Value>;

Members members(Value object) { return Members(object.kind == Kind::object ? object.raw.substr(1) : ""); }

Elements elements(Value array) { return Elements(array.kind == Kind::array ? array.raw.substr(1) : ""); }

std::optional<Value> member(Value object, std::string_view name) {
  std::optional<Value> found;
  for (const Member &candidate : members(object))
    if (equals(candidate.key, name)) found = candidate.value;
  return found;
}

bool has_duplicate_members(Value object) {
  // Sets of 256 keys are compared with all keys after them, so that no number of members needs more memory.
  const Members all = members(object);
  Members::Iterator first = all.begin();
  while (first != all.end()) {
    KeySet seen;
    for (Members::Iterator it = first; it != all.end(); ++it) {
      const std::uint32_t hash = hash_of(it->key);
      if (seen.contains(it->key, hash)) return true;
      if (seen.full()) continue;
      seen.insert(it->key, hash);
      first = it;
    }
    ++first;
  }
  return false;
}

bool equals(std::string_view raw, std::string_view text) {
  const bool is_prefix = for_each_piece(raw, [&text](std::string_view piece) {
    if (!text.starts_with(piece)) return false;
    text.remove_prefix(piece.size());
    return true;
  });
  return is_prefix && text.empty();
}

bool unescape(Value string, std::string &text) {
  text.clear();
  if (string.kind != Kind::string) return false;
  for_each_piece(string.raw, [&text](std::string_view piece) {
    text.append(piece);
    return true;
  });
  return true;
}

std::optional<std::size_t> unescape_into(Value string, std::span<char> buffer) {
  if (string.kind != Kind::string) return std::nullopt;
  std::size_t used = 0;
  const bool fits = for_each_piece(string.raw, [&](std::string_view piece) {
    if (piece.size() > buffer.size() - used) return false;
    piece.copy(buffer.data() + used, piece.size());
    used += piece.size();
    return true;
  });
  if (!fits) return std::nullopt;
  return used;
}

std::optional<std::int64_t> to_int64(Value number) {
  if (number.kind != Kind::number) return std::nullopt;
  std::int64_t integer = 0;
  const char *end = number.raw.data() + number.raw.size();
  const auto result = std::from_chars(number.raw.data(), end, integer);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return integer;
}

void append_quoted(std::string &json, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  json += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain]))
      ++plain;
    json.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    std::size_t length = utf8_sequence_length(text);
    if (length == 0 || c == '\0') {
      json += "\xEF\xBF\xBD";
      length = 1;
    } else if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += "\\u00";
      json += digits[static_cast<unsigned char>(c) >> 4];
      json += digits[static_cast<unsigned char>(c) & 0xFU];
    } else {
      json.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  json += '"';
}

} // namespace pg_live::json
