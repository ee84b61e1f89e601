// Slice segment headers of HEVC (H.265 7.3.6).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_HEVC_SLICE_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_HEVC_SLICE_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// What a slice segment header cannot be read without.
struct HevcSliceContext {
  const v4l2_ctrl_hevc_sps& sps;
  const v4l2_ctrl_hevc_pps& pps;
  // Whoever has the whole SPS needs neither of the two below.
  const HevcSps* stream = nullptr;
  // hevc_total_references()
  uint32_t total_references = 0;
  // Bits of the st_ref_pic_set() in this header, 0 where the SPS has the set. It is passed over: it
  // may be predicted from sets of the SPS, which the interfaces do not carry.
  uint32_t reference_set_bits = 0;
};

// A part of the header, in bits from the first of the NAL unit header, emulation prevention bytes
// not counted.
struct HevcBits {
  size_t begin = 0;
  size_t end = 0;
};

// A long-term picture of a slice's reference picture set.
struct HevcLongTermReference {
  uint32_t order_count_lsb = 0;  // pocLsbLt
  bool used = false;             // UsedByCurrPicLt
  bool msb_present = false;
  uint32_t msb_cycle = 0;  // DeltaPocMsbCycleLt
};

struct HevcSliceHeader {
  HevcNalType nal_type{};
  uint8_t temporal_id = 0;
  bool first_in_picture = false;
  uint8_t pps_id = 0;
  // Of a dependent slice segment nothing below is known but its address, the flag that it is one,
  // its entry points and the sizes.
  bool dependent = false;
  bool no_output_of_prior_pics = false;

  // As the control carries it, after inference (7.4.7.1); elements beyond the standard's range are
  // clipped to their field. bit_size, slice_pic_order_cnt and the lists are left 0: the picture
  // tells them; pic_struct stands elsewhere. data_byte_offset counts from the NAL unit header on,
  // emulation prevention bytes included.
  v4l2_ctrl_hevc_slice_params slice{};
  std::vector<uint32_t> entry_point_offsets;   // bytes: entry_point_offset_minus1 + 1
  bool pic_output = true;                      // pic_output_flag
  uint32_t order_count_lsb = 0;                // slice_pic_order_cnt_lsb
  std::array<uint8_t, 2> active_references{};  // num_ref_idx_lX_active_minus1 + 1 in force, or 0

  // With HevcSliceContext::stream only.
  HevcReferenceSet short_term;
  std::vector<HevcLongTermReference> long_term;
  // list_entry_lX; empty where the list is not modified.
  std::array<std::vector<uint8_t>, 2> list_entries;

  // slice_pic_order_cnt_lsb and all of the reference picture sets behind it; empty in IDR pictures.
  HevcBits reference_sets;
  // ref_pic_lists_modification(), or where it would stand; empty in I slices.
  HevcBits lists_modification;
  // byte_alignment() begins here.
  size_t end_bit = 0;

  bool is_p() const { return slice.slice_type == V4L2_HEVC_SLICE_TYPE_P; }
  bool is_b() const { return slice.slice_type == V4L2_HEVC_SLICE_TYPE_B; }
};

// NumPicTotalCurr (7-55) of one layer: the pictures that the current one may refer to.
inline uint32_t hevc_total_references(const v4l2_ctrl_hevc_decode_params& decode) {
  return uint32_t{decode.num_poc_st_curr_before} + decode.num_poc_st_curr_after +
         decode.num_poc_lt_curr;
}

// What can be read with no parameter set at hand: how a slice segment names its own.
Result<uint8_t> parse_hevc_pps_id(std::span<const uint8_t> nal);

// `nal`: the whole NAL unit (type 0 to 9 or 16 to 21, layer 0), no start code, emulation prevention
// kept. Every value is checked against the standard's range.
Result<HevcSliceHeader> parse_hevc_slice_header(std::span<const uint8_t> nal,
                                                const HevcSliceContext& context);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_HEVC_SLICE_HEADER_H_
