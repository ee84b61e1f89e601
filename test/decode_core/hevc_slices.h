// HEVC slice segments in every form that a header can have (H.265 7.3.6), made at random.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEVC_SLICES_H_
#define DAEDALUS_TEST_DECODE_CORE_HEVC_SLICES_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "decode_core/software/libavcodec/rewrite/hevc_slice.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core::rewrite::test {

using Bytes = std::vector<uint8_t>;

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  // Both ends included.
  int64_t in(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine_);
  }
  bool coin() { return in(0, 1) != 0; }
  uint64_t flags(uint64_t all) { return static_cast<uint64_t>(in(0, INT64_MAX)) & all; }

 private:
  std::mt19937 engine_;
};

// Ceil(Log2(count)).
inline unsigned bits_for(size_t count) {
  return count <= 1 ? 0 : static_cast<unsigned>(std::bit_width(count - 1));
}

// A slice segment as an encoder means it.
struct Slice {
  v4l2_ctrl_hevc_sps sps{};
  v4l2_ctrl_hevc_pps pps{};
  v4l2_ctrl_hevc_decode_params decode{};
  HevcReferenceLists lists{};
  uint32_t reference_set_bits = 0;
  uint8_t nal_type = 1;
  uint8_t slice_type = V4L2_HEVC_SLICE_TYPE_I;
  bool dependent = false;
  std::array<uint8_t, 2> active{};
  Bytes data;  // slice_segment_data() as in the NAL unit

  bool idr() const { return nal_type == 19 || nal_type == 20; }
  bool irap() const { return nal_type >= 16; }
  bool inter() const { return !dependent && slice_type != V4L2_HEVC_SLICE_TYPE_I; }
  size_t total() const {
    return size_t{decode.num_poc_st_curr_before} + decode.num_poc_st_curr_after +
           decode.num_poc_lt_curr;
  }
  bool has(uint64_t pps_flag) const { return (pps.flags & pps_flag) != 0; }
  bool sps_has(uint64_t flag) const { return (sps.flags & flag) != 0; }
};

// The values of syntax elements, in order.
using Elements = std::vector<int64_t>;

Slice choose_slice(Random& random);

// The NAL unit of `slice`, no start code. What is left to chance is chosen here and noted in it;
// `elements` gets what no rewriting may change: all but the reference picture sets and the
// modification of lists.
Bytes write_slice(Random& random, Slice& slice, Elements& elements);

}  // namespace daedalus::core::rewrite::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEVC_SLICES_H_
