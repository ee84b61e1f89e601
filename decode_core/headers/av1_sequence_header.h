// Open bitstream units and the sequence header of AV1 (AV1 5.3, 5.5).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace daedalus::headers {

// obu_type (6.2.2), those that somebody here acts upon.
enum class Av1ObuType : uint8_t { kSequenceHeader = 1 };

struct Av1Obu {
  Av1ObuType type{};  // may be a value that the enumeration does not name
  std::span<const uint8_t> payload;
};

// Walks the units of a temporal unit in the low-overhead format (5.2). Borrows the bytes.
class Av1Obus {
 public:
  explicit Av1Obus(std::span<const uint8_t> temporal_unit) : rest_(temporal_unit) {}
  // The next unit; nullopt at the end, and from the first one on that is damaged.
  std::optional<Av1Obu> next();

 private:
  std::span<const uint8_t> rest_;
};

struct Av1SequenceHeader {
  uint8_t profile = 0;
  uint32_t max_width = 0;  // luma samples
  uint32_t max_height = 0;
  uint8_t bit_depth = 8;  // 8, 10 or 12
  bool monochrome = false;
  bool subsampled_x = true;
  bool subsampled_y = true;
  // Code points of ISO/IEC 23091-2.
  uint8_t primaries = 2;
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
};

// `payload` of a unit of type kSequenceHeader.
Result<Av1SequenceHeader> parse_av1_sequence_header(std::span<const uint8_t> payload);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_SEQUENCE_HEADER_H_
