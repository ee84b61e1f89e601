// Open bitstream units of AV1 in the low-overhead format (AV1 5.2 to 5.4).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_AV1_OBU_H_
#define DAEDALUS_DECODE_CORE_HEADERS_AV1_OBU_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace daedalus::headers {

// obu_type (6.2.2). A unit may have a type that is not named here; it is to be ignored.
enum class Av1ObuType : uint8_t {
  kSequenceHeader = 1,
  kTemporalDelimiter = 2,
  kFrameHeader = 3,
  kTileGroup = 4,
  kMetadata = 5,
  kFrame = 6,
  kRedundantFrameHeader = 7,
  kTileList = 8,
  kPadding = 15,
};

struct Av1Obu {
  Av1ObuType type{};
  bool extended = false;  // the two ids are told
  uint8_t temporal_id = 0;
  uint8_t spatial_id = 0;
  std::span<const uint8_t> payload;

  // Whether an operating point of this operating_point_idc decodes the unit (5.3.1).
  bool belongs_to(uint16_t operating_point_idc) const;
};

// Walks the units of a temporal unit. Borrows the bytes.
class Av1Obus {
 public:
  explicit Av1Obus(std::span<const uint8_t> temporal_unit) : rest_(temporal_unit) {}
  // The next unit; nullopt at the end, and from the first one on that is damaged.
  std::optional<Av1Obu> next();
  // It ended at a damaged unit.
  bool damaged() const { return damaged_; }

 private:
  std::optional<Av1Obu> fail();

  std::span<const uint8_t> rest_;
  bool damaged_ = false;
};

// leb128() (4.10.5): the value and its bytes; nullopt where it does not end or is above 32 bits.
struct Av1Leb128 {
  uint32_t value;
  size_t bytes;
};
std::optional<Av1Leb128> read_av1_leb128(std::span<const uint8_t> data);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_AV1_OBU_H_
