// What a test reads of the statistics that its session has written.
#ifndef DAEDALUS_TEST_STATISTICS_H_
#define DAEDALUS_TEST_STATISTICS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/statistics.h"
#include "test/catch.h"

namespace daedalus::test {

// The page of the only session.
inline StatisticsSnapshot only_page(const std::string& folder) {
  const auto pages = read_statistics(folder);
  REQUIRE(pages.ok());
  REQUIRE(pages->size() == 1);
  return pages->front();
}

// A stage's pictures by substrate.
using StageCounts = std::map<std::string, uint64_t>;

// Empty where there were none.
inline StageCounts pictures_of(const StatisticsSnapshot& page, std::string_view stage) {
  StageCounts counts;
  for (const auto& each : page.stages) {
    if (each.name == stage) counts[each.substrate] = each.pictures;
  }
  return counts;
}

inline uint64_t pictures_of(const StatisticsSnapshot& page, std::string_view stage,
                            const std::string& substrate) {
  const StageCounts counts = pictures_of(page, stage);
  const auto found = counts.find(substrate);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_STATISTICS_H_
