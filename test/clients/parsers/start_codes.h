// Units between start codes (H.264 annex B, ISO/IEC 13818-2 5.2.3).
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_START_CODES_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_START_CODES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace daedalus::clients {

// What follows each 00 00 01, up to the next start code or the end; without trailing zeros where
// `trim` is set.
inline std::vector<std::span<const uint8_t>> units_between_start_codes(
    std::span<const uint8_t> bytes, bool trim = true) {
  std::vector<std::span<const uint8_t>> units;
  size_t start = 0;  // 0: none yet
  const auto end_unit = [&](size_t end) {
    if (start == 0) return;
    while (trim && end > start && bytes[end - 1] == 0) --end;
    if (end > start) units.push_back(bytes.subspan(start, end - start));
  };
  for (size_t i = 0; i + 2 < bytes.size(); ++i) {
    if (bytes[i] != 0 || bytes[i + 1] != 0 || bytes[i + 2] != 1) continue;
    end_unit(i);
    start = i + 3;
    i += 2;
  }
  end_unit(bytes.size());
  return units;
}

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_START_CODES_H_
