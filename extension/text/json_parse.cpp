// Validation: parse() of json.hpp. A loop over bytes with one bit per open bracket instead of recursion, so that
// hostile nesting costs neither stack nor time.
#include "text/json.hpp"

#include <algorithm>
#include <bitset>

#include "text/json_bytes.hpp"
#include "text/utf8.hpp"

namespace pg_live::json {

namespace {

constexpr std::size_t max_number_length = 6000;
constexpr std::size_t max_exponent_digits = 4;

// Validates one text from front to back and stops at the first error.
class Validator {
 public:
  Validator(std::string_view text, Limits limits)
      : text_(text), max_depth_(static_cast<std::size_t>(std::clamp(limits.max_depth, 0, max_supported_depth))),
        escapes_(limits.escapes) {}

  std::optional<Value> run() {
    skip_space();
    const std::size_t begin = at_;
    const Kind kind = kind_of(peek());
    if (!document()) return std::nullopt;
    const std::size_t end = at_;
    skip_space();
    if (at_ != text_.size()) {
      fail("text after the end of the value");
      return std::nullopt;
    }
    return Value{kind, text_.substr(begin, end - begin)};
  }

  const Error &error() const { return error_; }

 private:
  static Kind kind_of(char c) {
    switch (c) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return Kind::number;
    }
  }

  // The byte at the cursor; NUL at the end, which no rule accepts.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_]))
      ++at_;
  }

  bool fail(std::string_view message) { return fail(message, at_); }
  bool fail(std::string_view message, std::size_t offset) {
    error_ = {offset < text_.size() ? message : "unexpected end of text", std::min(offset, text_.size())};
    return false;
  }

  // One value with everything in it.
  bool document() {
    for (;;) {
      const char c = peek();
      if (c == '{' || c == '[') {
        if (!open(c == '{')) return false;
        if (peek() != (c == '{' ? '}' : ']')) { // not empty
          if (c == '{' && !key()) return false;
          continue;
        }
      } else if (!scalar(c)) {
        return false;
      }
      if (!close()) return false;
      if (depth_ == 0) return true;
    }
  }

  bool open(bool object) {
    if (depth_ >= max_depth_) return fail(depth_message);
    in_object_[depth_++] = object;
    ++at_;
    skip_space();
    return true;
  }

  // After a value, or at the closing bracket of an empty array or object: closes all arrays and objects that end here,
  // and moves to the next value if there is one.
  bool close() {
    while (depth_ > 0) {
      skip_space();
      const bool object = in_object_[depth_ - 1];
      if (peek() == ',') {
        ++at_;
        skip_space();
        return !object || key();
      }
      if (peek() != (object ? '}' : ']')) return fail(object ? "expected , or }" : "expected , or ]");
      ++at_;
      --depth_;
    }
    return true;
  }

  bool key() {
    if (peek() != '"') return fail("expected a member name");
    if (!string()) return false;
    skip_space();
    if (peek() != ':') return fail("expected :");
    ++at_;
    skip_space();
    return true;
  }

  bool scalar(char c) {
    switch (c) {
    case '"':
      return string();
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return number();
    }
  }

  bool literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return fail("expected a value");
    at_ += word.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return fail("expected a digit");
    while (is_digit(peek()))
      ++at_;
    return true;
  }

  // Limits the length so that the number fits jsonb's numeric: 131,072 digits before the point and 16,383 after it.
  bool number() {
    const std::size_t start = at_;
    const bool negative = peek() == '-';
    if (negative) ++at_;
    if (!negative && !is_digit(peek())) return fail("expected a value");
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) return fail("leading zero");
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      const std::size_t exponent = at_;
      if (!digits()) return false;
      if (at_ - exponent > max_exponent_digits) return fail("number too large");
    }
    return at_ - start <= max_number_length || fail("number too long");
  }

  bool string() {
    ++at_; // the quote
    for (;;) {
      while (at_ < text_.size() && is_plain(text_[at_]))
        ++at_;
      const char c = peek();
      if (at_ < text_.size() && c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return fail("control character in a string");
      } else {
        const std::size_t length = utf8_sequence_length(text_.substr(at_, 4));
        if (length == 0) return fail("invalid UTF-8");
        at_ += length;
      }
    }
  }

  bool escape() {
    ++at_; // the backslash
    if (peek() != 'u') {
      if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) return fail("unknown escape");
      ++at_;
      return true;
    }
    const std::size_t escape_at = at_ - 1;
    const int unit = hex_unit(text_.substr(at_ + 1, 4));
    if (unit < 0) return fail("malformed \\u escape", escape_at);
    if (escapes_ == Escapes::any) {
      at_ += 5;
      return true;
    }
    if (unit == 0) return fail(nul_message, escape_at);
    at_ += 5;
    if (is_low_surrogate(unit)) return fail(lone_surrogate_message, escape_at);
    if (!is_high_surrogate(unit)) return true;
    if (text_.substr(at_, 2) != "\\u" || !is_low_surrogate(hex_unit(text_.substr(at_ + 2, 4))))
      return fail(lone_surrogate_message, escape_at);
    at_ += 6;
    return true;
  }

  std::string_view text_;
  std::size_t max_depth_;
  Escapes escapes_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::bitset<max_supported_depth> in_object_; // for each open bracket, whether it is {
  Error error_;
};

} // namespace

std::optional<Value> parse(std::string_view text, Limits limits, Error *error) {
  Validator validator(text, limits);
  std::optional<Value> value = validator.run();
  if (!value && error != nullptr) *error = validator.error();
  return value;
}

} // namespace pg_live::json
