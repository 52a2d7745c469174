// JSON by slicing: a text is validated once, then read as views into itself. Nothing is converted or re-printed, so the
// bytes of a payload leave as they came (big integers, 1.10, key order), and nothing is allocated.
//
// Invariant: parse() accepts a subset of RFC 8259 that jsonb accepts too: well-formed UTF-8, no \u0000, no lone
// surrogates (unless Escapes::any allows them), no number beyond jsonb's numeric, bounded depth. Every other reading
// function may therefore trust its input, and must only be given values that came from parse(), directly or through
// members() and elements().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_live::json {

enum class Kind : unsigned char { null, boolean, number, string, array, object };

// A validated value: its kind and its text, without white space around it; a string keeps its quotes and escapes.
struct Value {
  Kind kind = Kind::null;
  std::string_view raw;
};

// One member of an object. `key` keeps its quotes and escapes.
struct Member {
  std::string_view key;
  Value value;
};

// Why a text was refused. `message` is a constant in lower case; `offset` is the byte where it went wrong.
struct Error {
  std::string_view message;
  std::size_t offset = 0;
};

// The messages that tell apart what RFC 8259 allows and parse() refuses.
inline constexpr std::string_view depth_message = "nested too deeply";
inline constexpr std::string_view nul_message = "\\u0000 cannot be stored as text";
inline constexpr std::string_view lone_surrogate_message = "lone surrogate";

// The deepest nesting parse() can be asked to allow.
inline constexpr int max_supported_depth = 256;

// Which escapes of characters parse() accepts: those that jsonb can store, or all that JavaScript writes, so also NUL
// and lone surrogates. The reading functions do not take a value with the latter.
enum class Escapes : unsigned char { storable, any };

struct Limits {
  // Arrays and objects within one another; `[[]]` has depth 2. At most max_supported_depth.
  int max_depth = 64;
  Escapes escapes = Escapes::storable;
};

// Validates all of `text` and returns its one value. If it is invalid, sets `error` (when given) and returns nothing.
std::optional<Value> parse(std::string_view text, Limits limits = {}, Error *error = nullptr);

// The members of an object or the elements of an array, in the order of the text: `for (Member m : members(object))`.
// Each step costs one pass over the bytes of that member. Given a value of another kind, the range is empty.
template <typename Item>
class Range {
 public:
  class Iterator {
   public:
    explicit Iterator(std::string_view rest);
    const Item &operator*() const { return item_; }
    const Item *operator->() const { return &item_; }
    Iterator &operator++();
    bool operator!=(std::nullptr_t) const { return !at_end_; }

   private:
    void read();
    std::string_view rest_; // after the current item, through the closing bracket
    Item item_;
    bool at_end_ = false;
  };

  explicit Range(std::string_view body) : body_(body) {}
  Iterator begin() const { return Iterator(body_); }
  std::nullptr_t end() const { return nullptr; }

 private:
  std::string_view body_; // after the opening bracket
};

using Members = Range<Member>;
using Elements = Range<Value>;

Members members(Value object);
Elements elements(Value array);

// The member of that name (exact case, escapes in the key decoded); the last one of duplicates, as in jsonb.
std::optional<Value> member(Value object, std::string_view name);

// Whether two members of this object (not of objects within it) have the same name after decoding escapes.
// Does not allocate; takes about linear time up to some hundred members.
bool has_duplicate_members(Value object);

// Whether the JSON string `raw` (with quotes) decodes to `text`.
bool equals(std::string_view raw, std::string_view text);

// Replaces `text` by the decoded JSON string. Clears it and returns false when `string` is not of kind string.
bool unescape(Value string, std::string &text);

// Decodes into a buffer and returns the length, or nothing when the text does not fit or `string` is not of kind
// string. The text is never longer than `string.raw.size() - 2`.
std::optional<std::size_t> unescape_into(Value string, std::span<char> buffer);

// The value when it is a number written as an integer (no fraction, no exponent) that fits; nothing otherwise.
std::optional<std::int64_t> to_int64(Value number);

// Appends `text` as a JSON string with its quotes. The output is always valid: bytes that are not UTF-8, and NUL
// (which jsonb has no room for), are written as U+FFFD.
void append_quoted(std::string &json, std::string_view text);

} // namespace pg_live::json
