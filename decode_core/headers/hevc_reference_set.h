// Short-term reference picture sets of HEVC (H.265 7.3.7, 7.4.8).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {

// One picture of a set.
struct HevcReferenceDelta {
  int32_t delta = 0;  // of its picture order count to the current picture's
  bool used = false;  // by the current picture; else kept for later ones
  bool operator==(const HevcReferenceDelta&) const = default;
};

// Each list from the nearest on.
struct HevcReferenceSet {
  std::vector<HevcReferenceDelta> negative;  // DeltaPocS0, UsedByCurrPicS0
  std::vector<HevcReferenceDelta> positive;  // DeltaPocS1, UsedByCurrPicS1
  size_t size() const { return negative.size() + positive.size(); }
};

// Most pictures of one set: those of the largest decoded picture buffer (A.4.2).
inline constexpr size_t kHevcMaxReferences = 16;

// Where an st_ref_pic_set() stands: those of a slice may be predicted from any set of the SPS.
enum class HevcSetPlace : uint8_t { kSps, kSlice };

// st_ref_pic_set() behind the sets `earlier`; nullopt where it is out of range. An overrun of the
// reader is for the caller to see.
std::optional<HevcReferenceSet> read_hevc_reference_set(BitReader& reader,
                                                        std::span<const HevcReferenceSet> earlier,
                                                        HevcSetPlace place = HevcSetPlace::kSps);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_REFERENCE_SET_H_
