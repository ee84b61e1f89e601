#include "test/clients/v4l2/timing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace daedalus::v4l2_client {

std::string Timing::text() const {
  if (samples_.empty()) return "no request was completed";
  std::vector<double> sorted = samples_;
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(sorted.size());
  const auto percentile = [&](double p) {
    return sorted[static_cast<size_t>(std::max(std::ceil(count * p / 100) - 1, 0.0))];
  };
  const double mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "mean %.3f p50 %.3f p99 %.3f min %.3f max %.3f ms", mean,
                percentile(50), percentile(99), sorted.front(), sorted.back());
  return text.data();
}

}  // namespace daedalus::v4l2_client
