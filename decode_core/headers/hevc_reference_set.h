// Short-term reference picture sets of HEVC (H.265 7.3.7, 7.4.8).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {

// Differences of picture order counts to the current picture, each list from the nearest on.
struct HevcReferenceSet {
  std::vector<int32_t> negative;  // DeltaPocS0
  std::vector<int32_t> positive;  // DeltaPocS1
  size_t size() const { return negative.size() + positive.size(); }
};

// Most pictures of one set: those of the largest decoded picture buffer (A.4.2).
inline constexpr size_t kHevcMaxReferences = 16;

// st_ref_pic_set() of a sequence parameter set whose earlier sets are `earlier`; nullopt where it
// is out of range. An overrun of the reader is for the caller to see.
std::optional<HevcReferenceSet> read_hevc_reference_set(BitReader& reader,
                                                        std::span<const HevcReferenceSet> earlier);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_
