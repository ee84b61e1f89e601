#include "decode_core/headers/av1_obu.h"

namespace daedalus::headers {

std::optional<Av1Leb128> read_av1_leb128(std::span<const uint8_t> data) {
  constexpr size_t kMostBytes = 8;
  uint64_t value = 0;
  for (size_t i = 0; i < data.size() && i < kMostBytes; ++i) {
    value |= uint64_t{data[i] & 0x7fu} << (7 * i);
    if ((data[i] & 0x80) != 0) continue;
    if (value > UINT32_MAX) return std::nullopt;
    return Av1Leb128{static_cast<uint32_t>(value), i + 1};
  }
  return std::nullopt;
}

bool Av1Obu::belongs_to(uint16_t operating_point_idc) const {
  if (type == Av1ObuType::kSequenceHeader || type == Av1ObuType::kTemporalDelimiter) return true;
  if (!extended || operating_point_idc == 0) return true;
  return (operating_point_idc >> temporal_id & 1) != 0 &&
         (operating_point_idc >> (8 + spatial_id) & 1) != 0;
}

std::optional<Av1Obu> Av1Obus::fail() {
  damaged_ = true;
  rest_ = {};
  return std::nullopt;
}

std::optional<Av1Obu> Av1Obus::next() {
  if (rest_.empty()) return std::nullopt;
  const uint8_t header = rest_[0];
  const bool forbidden = (header & 0x80) != 0;
  const bool sized = (header & 2) != 0;
  Av1Obu unit;
  unit.type = static_cast<Av1ObuType>(header >> 3 & 15);
  unit.extended = (header & 4) != 0;
  std::span<const uint8_t> rest = rest_.subspan(1);
  if (forbidden || (unit.extended && rest.empty())) return fail();
  if (unit.extended) {
    unit.temporal_id = rest[0] >> 5;
    unit.spatial_id = rest[0] >> 3 & 3;
    rest = rest.subspan(1);
  }
  size_t size = rest.size();
  if (sized) {
    const auto told = read_av1_leb128(rest);
    if (!told) return fail();
    rest = rest.subspan(told->bytes);
    if (told->value > rest.size()) return fail();
    size = told->value;
  }
  unit.payload = rest.first(size);
  rest_ = rest.subspan(size);
  return unit;
}

}  // namespace daedalus::headers
