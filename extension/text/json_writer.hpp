// Appends members to a JSON object, or elements to an array, that is being written, with the commas between them.
//
// Invariant: the text that is appended to ends with the opening brace or bracket, or with a member or an element.
#pragma once

#include "text/json.hpp"

#include <cassert>
#include <string>
#include <string_view>

namespace pg_live::json {

// Appends a member whose value is JSON text already.
inline void append_raw_member(std::string &object, std::string_view name, std::string_view value) {
  assert(!object.empty());
  if (object.back() != '{') object += ',';
  append_quoted(object, name);
  object += ':';
  object += value;
}

// Appends a member whose value is the text as a JSON string.
inline void append_member(std::string &object, std::string_view name, std::string_view text) {
  append_raw_member(object, name, "");
  append_quoted(object, text);
}

// Appends an element that is JSON text already.
inline void append_raw_element(std::string &array, std::string_view value) {
  assert(!array.empty());
  if (array.back() != '[') array += ',';
  array += value;
}

// Appends the text as a JSON string.
inline void append_element(std::string &array, std::string_view text) {
  append_raw_element(array, "");
  append_quoted(array, text);
}

// A whole object of JSON text with one more member.
inline std::string with_member(std::string_view object, std::string_view name, std::string_view text) {
  std::string result(object.substr(0, object.rfind('}')));
  append_member(result, name, text);
  return result.append("}");
}

} // namespace pg_live::json
