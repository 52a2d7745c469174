// Writing samples, a line each.
#include "metrics/exposition.hpp"

#include <array>
#include <charconv>

namespace pg_live {

namespace {

std::string text_of(double value) {
  std::array<char, 400> text{}; // the longest that a double has
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), end};
}

void append_escaped(std::string &out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
}

} // namespace

void Exposition::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view value) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto &[name, content] : labels) {
    if (name.empty()) continue;
    text_.push_back(separator);
    text_.append(name).append("=\"");
    append_escaped(text_, content);
    text_.push_back('"');
    separator = ',';
  }
  text_.append(separator == ',' ? "} " : " ").append(value).append("\n");
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  begin(name, "counter", help);
  sample({}, value);
}

void Exposition::counter(std::string_view name, std::string_view help, double value) {
  begin(name, "counter", help);
  line("", {}, text_of(value));
}

void Exposition::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  begin(name, "gauge", help);
  sample({}, value);
}

void Exposition::sample(Labels labels, std::uint64_t value) { line("", labels, std::to_string(value)); }

void Exposition::sample(std::pair<std::string_view, std::string_view> label, const Histogram &histogram) {
  std::uint64_t so_far = 0;
  for (std::size_t place = 0; place < Histogram::kBounds.size(); ++place) {
    so_far += histogram.buckets()[place];
    line("_bucket", {label, {"le", text_of(Histogram::kBounds[place])}}, std::to_string(so_far));
  }
  line("_bucket", {label, {"le", "+Inf"}}, std::to_string(histogram.count()));
  line("_sum", {label}, text_of(histogram.sum()));
  line("_count", {label}, std::to_string(histogram.count()));
}

void Exposition::histogram(std::string_view name, std::string_view help, const Histogram &histogram) {
  begin_histogram(name, help);
  sample({}, histogram); // an empty label is left out
}

} // namespace pg_live
