// Reading where a text frame belongs when it cannot be read as a message, see phoenix.hpp: one pass over quotes and
// brackets, so that neither what they hold nor how deep they go matters.
#include "wire/phoenix/phoenix.hpp"

#include <algorithm>
#include <optional>

#include "text/json.hpp"
#include "text/utf8.hpp"

namespace pg_live::phoenix {

namespace {

constexpr std::size_t kMaxTopicBytes = 8192; // of one that is sent back

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Behind the string that begins at `at`; nothing when it does not end.
std::optional<std::size_t> end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return std::nullopt;
}

// Splits text into values and the marks between them.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool accept(char mark) {
    skip_space();
    if (rest_.empty() || rest_.front() != mark) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // The next value; empty when there is none, or it does not end.
  std::string_view value() {
    skip_space();
    std::size_t at = 0;
    std::size_t depth = 0;
    while (at < rest_.size()) {
      const char c = rest_[at];
      const bool closes = c == ']' || c == '}';
      if (depth == 0 && (closes || c == ',' || c == ':' || c == ' ')) return cut(at);
      if (c == '"') {
        const auto end = end_of_string(rest_, at);
        if (!end) break;
        at = *end;
      } else {
        ++at;
        if (c == '[' || c == '{') ++depth;
        if (closes) --depth;
      }
      if (depth == 0 && (c == '"' || closes)) return cut(at);
    }
    rest_ = {};
    return {};
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  std::string_view cut(std::size_t length) {
    const std::string_view value = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return value;
  }

  std::string_view rest_;
};

// Whether it can be sent back as it came: a JSON string, though perhaps of what no database can hold.
bool is_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"' || !is_utf8(text)) return false;
  text = text.substr(1, text.size() - 2);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < 0x20) return false;
    if (text[at] != '\\') continue;
    const std::string_view escape = text.substr(++at, 5);
    if (escape.empty() || std::string_view("\"\\/bfnrtu").find(escape.front()) == std::string_view::npos) return false;
    if (escape.front() != 'u') continue;
    if (escape.size() < 5 || !std::all_of(escape.begin() + 1, escape.end(), is_hex)) return false;
    at += 4;
  }
  return true;
}

void read_ref(std::string_view text, std::string &ref) {
  const auto value = text.size() <= kMaxRefBytes ? json::parse(text) : std::nullopt;
  if (value && (value->kind == json::Kind::string || value->kind == json::Kind::number)) ref = value->raw;
}

void read_topic(std::string_view text, std::string &topic) {
  if (text.size() <= kMaxTopicBytes && is_string(text)) topic = text;
}

} // namespace

Envelope envelope_of(Version version, std::string_view frame) {
  Envelope envelope;
  Cursor cursor(frame);
  if (version == Version::v2) {
    if (!cursor.accept('[')) return envelope;
    read_ref(cursor.value(), envelope.join_ref);
    if (cursor.accept(',')) read_ref(cursor.value(), envelope.ref);
    if (cursor.accept(',')) read_topic(cursor.value(), envelope.topic);
    return envelope;
  }
  for (bool more = cursor.accept('{'); more; more = cursor.accept(',')) {
    const std::string_view name = cursor.value();
    if (!cursor.accept(':')) break;
    const std::string_view value = cursor.value();
    if (name == "\"join_ref\"") read_ref(value, envelope.join_ref);
    if (name == "\"ref\"") read_ref(value, envelope.ref);
    if (name == "\"topic\"") read_topic(value, envelope.topic);
  }
  return envelope;
}

} // namespace pg_live::phoenix
