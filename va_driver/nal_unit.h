// NAL units as clients hand them over.
#ifndef DAEDALUS_VA_DRIVER_NAL_UNIT_H_
#define DAEDALUS_VA_DRIVER_NAL_UNIT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "decode_core/job.h"

namespace daedalus::va {

// Some clients put a start code in front of the NAL unit (H.264 B.1.1); no NAL unit begins like
// one. `range` lies in `bitstream`; empty where nothing but the start code is there.
inline core::ByteRange without_start_code(std::span<const uint8_t> bitstream,
                                          core::ByteRange range) {
  const std::span<const uint8_t> nal = bitstream.subspan(range.offset, range.size);
  size_t zeros = 0;
  while (zeros < nal.size() && nal[zeros] == 0) ++zeros;
  if (zeros < 2 || zeros == nal.size() || nal[zeros] != 1) return range;
  const auto skipped = static_cast<uint32_t>(zeros + 1);
  return {range.offset + skipped, range.size - skipped};
}

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_NAL_UNIT_H_
