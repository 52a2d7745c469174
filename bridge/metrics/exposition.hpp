// The text in which Prometheus reads metrics (exposition format 0.0.4). Debian has no library that writes it; of those
// there are, each brings a server and threads of its own, and counts with atomics, where one thread counts here.
//
// Invariant: a family is begun once and its samples follow it.
#pragma once

#include "metrics/histogram.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace pg_live {

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // A family of one sample without labels.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void counter(std::string_view name, std::string_view help, double value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);

  // A family whose samples follow.
  void begin_counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }
  void begin_gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void begin_histogram(std::string_view name, std::string_view help) { begin(name, "histogram", help); }
  void sample(Labels labels, std::uint64_t value);
  void sample(std::pair<std::string_view, std::string_view> label, const Histogram &histogram);

  // A family that is one histogram.
  void histogram(std::string_view name, std::string_view help, const Histogram &histogram);

  const std::string &text() const { return text_; }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help);
  void line(std::string_view suffix, Labels labels, std::string_view value);

  std::string name_; // of the family
  std::string text_;
};

} // namespace pg_live
