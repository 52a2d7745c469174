// The text that Prometheus reads.
#include "metrics/exposition.hpp"

#include <gtest/gtest.h>

namespace pg_live {
namespace {

using namespace std::chrono_literals;

TEST(Exposition, HasAFamilyForEachMetric) {
  Exposition page;
  page.gauge("open", "What is open.", std::uint64_t{3});
  page.counter("cpu_seconds_total", "Time.", 1.5);
  page.begin_counter("closed_total", "What was closed.");
  page.sample({{"code", "1013"}, {"why", "slow"}}, 7);
  page.sample({{"code", "1001"}, {"why", ""}}, 18446744073709551615U);
  EXPECT_EQ(page.text(), "# HELP open What is open.\n# TYPE open gauge\nopen 3\n"
                         "# HELP cpu_seconds_total Time.\n# TYPE cpu_seconds_total counter\ncpu_seconds_total 1.5\n"
                         "# HELP closed_total What was closed.\n# TYPE closed_total counter\n"
                         "closed_total{code=\"1013\",why=\"slow\"} 7\n"
                         "closed_total{code=\"1001\",why=\"\"} 18446744073709551615\n");
}

TEST(Exposition, EscapesLabels) {
  Exposition page;
  page.begin_counter("errors_total", "Errors.");
  page.sample({{"text", "a\"b\\c\nd"}}, 1);
  EXPECT_NE(page.text().find("{text=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos) << page.text();
}

TEST(Exposition, CountsOfAHistogramAddUp) {
  Histogram histogram;
  for (const auto duration : {std::chrono::nanoseconds(500us), std::chrono::nanoseconds(501us),
                              std::chrono::nanoseconds(20ms), std::chrono::nanoseconds(1h)})
    histogram.observe(duration);
  Exposition page;
  page.begin_histogram("seconds", "Time.");
  page.sample({"command", "x"}, histogram);
  for (const auto *line :
       {"seconds_bucket{command=\"x\",le=\"0.0005\"} 1\n", "seconds_bucket{command=\"x\",le=\"0.001\"} 2\n",
        "seconds_bucket{command=\"x\",le=\"0.01\"} 2\n", "seconds_bucket{command=\"x\",le=\"0.025\"} 3\n",
        "seconds_bucket{command=\"x\",le=\"10\"} 3\n", "seconds_bucket{command=\"x\",le=\"+Inf\"} 4\n",
        "seconds_count{command=\"x\"} 4\n", "seconds_sum{command=\"x\"} 3600.021001\n"})
    EXPECT_NE(page.text().find(line), std::string::npos) << line << page.text();
}

} // namespace
} // namespace pg_live
