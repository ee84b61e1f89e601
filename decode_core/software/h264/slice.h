// One slice of a picture with everything that its macroblocks share: the header, reference lists,
// prediction weights. Clauses are H.264's.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "decode_core/headers/h264_slice_header.h"

namespace daedalus::core::h264 {

enum class PictureStructure : uint8_t { kFrame, kTopField, kBottomField };

inline constexpr size_t kMaxReferences = 32;

// One entry of RefPicList0 or RefPicList1 (8.2.4). In the field macroblocks of an MBAFF frame
// refIdx / 2 is the entry and refIdx % 2 says whether its field of the macroblock's own parity (0)
// or the other is meant (8.4.2.1).
struct Reference {
  static constexpr uint8_t kMissing = 0xFF;
  uint8_t entry = kMissing;  // index into decode.dpb and DecodeJob::references
  PictureStructure structure = PictureStructure::kFrame;
  bool long_term = false;
  bool operator==(const Reference&) const = default;
};

// Weighted prediction by one reference or by two (8.4.2.3.2): component Y, Cb, Cr.
struct Weights {
  std::array<std::array<int16_t, 2>, 3> weight{};  // w0, w1
  std::array<std::array<int16_t, 2>, 3> offset{};  // o0, o1
  std::array<uint8_t, 3> log2_denominator{};       // logWD
};

enum class WeightedPrediction : uint8_t { kDefault, kExplicit, kImplicit };

struct Slice {
  headers::H264SliceHeader header;
  std::array<std::array<Reference, kMaxReferences>, 2> lists{};
  std::array<uint8_t, 2> list_sizes{};  // num_ref_idx_active; 0: the slice has no such list
  WeightedPrediction weighted = WeightedPrediction::kDefault;
  // With kImplicit, w1 by refIdxL0 * (entries of list 1) + refIdxL1: of the picture's own
  // macroblocks; then, in an MBAFF frame, of the macroblocks of the top and of the bottom field,
  // whose lists have twice the entries.
  std::array<std::vector<int16_t>, 3> implicit_weights;
};

// How the samples of one prediction are weighted (8.4.2.3); nullopt: not at all, or as by default.
// reference: refIdxL0, refIdxL1, -1: the list is not used. macroblock: kFrame, but the parity of a
// field macroblock in an MBAFF frame. References outside of the lists count as not weighted.
std::optional<Weights> prediction_weights(const Slice& slice, std::array<int, 2> reference,
                                          PictureStructure macroblock);

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_H_
