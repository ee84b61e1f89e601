// NAL units and their payloads as H.264 and HEVC carry them (H.264 7.3.1, 7.4.1.1 and annex B).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_RBSP_H_
#define DAEDALUS_DECODE_CORE_HEADERS_RBSP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {

// `nal` (no start code) without its emulation_prevention_three_bytes, the NAL unit header included.
// Stops after `max_size` bytes of output.
std::vector<uint8_t> extract_rbsp(std::span<const uint8_t> nal, size_t max_size = SIZE_MAX);

// more_rbsp_data() (H.264 7.2): is there syntax before the rbsp_trailing_bits? False after an
// overrun and where no stop bit is left.
bool more_rbsp_data(const BitReader& reader);

// Walks the NAL units of a byte stream (annex B). Borrows the bytes.
class NalUnits {
 public:
  explicit NalUnits(std::span<const uint8_t> byte_stream);
  // The next NAL unit, without start code and trailing zero bytes, never empty; nullopt at the end.
  // What stands before the first start code is not a NAL unit.
  std::optional<std::span<const uint8_t>> next();

 private:
  std::span<const uint8_t> rest_;  // after a start code
};

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_RBSP_H_
