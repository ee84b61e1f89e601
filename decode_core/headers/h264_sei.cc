#include "decode_core/headers/h264_sei.h"

#include <vector>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_nal.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

constexpr uint32_t kRecoveryPoint = 6;

// payloadType or payloadSize: a run of ff_byte and a last byte.
uint32_t read_long_value(BitReader& reader) {
  uint32_t value = 0;
  uint32_t byte = 255;
  while (byte == 255 && !reader.overrun()) {
    byte = reader.u(8);
    value += byte;
  }
  return value;
}

}  // namespace

std::optional<uint32_t> h264_recovery_frame_count(std::span<const uint8_t> nal) {
  const H264NalHeader header = h264_nal_header(nal);
  if (!header.valid || header.type != H264NalType::kSei) return std::nullopt;
  const std::vector<uint8_t> rbsp = extract_rbsp(nal);
  BitReader reader(rbsp);
  reader.skip(8);
  while (more_rbsp_data(reader)) {
    const uint32_t type = read_long_value(reader);
    const uint32_t size = read_long_value(reader);
    if (type == kRecoveryPoint) {
      const uint32_t count = reader.ue();
      if (reader.overrun() || count > 65535) return std::nullopt;
      return count;
    }
    reader.skip(size_t{size} * 8);
  }
  return std::nullopt;
}

}  // namespace daedalus::headers
