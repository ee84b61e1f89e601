// Slice headers of H.264 (7.3.3).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_H264_SLICE_HEADER_H_
#define DAEDALUS_DECODE_CORE_HEADERS_H264_SLICE_HEADER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/headers/h264_nal.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::headers {

// What can be read with no parameter set at hand: how a slice names its own.
struct H264SliceStart {
  uint32_t first_mb_in_slice = 0;
  uint8_t slice_type = 0;  // V4L2_H264_SLICE_TYPE_*
  uint8_t pps_id = 0;
};
// `nal`: the whole NAL unit (type 1 or 5), no start code, emulation prevention kept.
Result<H264SliceStart> parse_h264_slice_start(std::span<const uint8_t> nal);

// One entry of ref_pic_list_modification() (7.3.3.1).
struct H264ListModification {
  uint8_t idc = 0;     // modification_of_pic_nums_idc, 0 to 2
  uint32_t value = 0;  // abs_diff_pic_num_minus1 (0, 1) or long_term_pic_num (2)
};

// One memory_management_control_operation (7.3.3.3). Fields that the operation lacks are 0.
struct H264MarkingOperation {
  uint8_t operation = 0;                       // 1 to 6
  uint32_t difference_of_pic_nums_minus1 = 0;  // 1, 3
  uint32_t long_term_pic_num = 0;              // 2
  uint32_t long_term_frame_idx = 0;            // 3, 6
  uint32_t max_long_term_frame_idx_plus1 = 0;  // 4
};

struct H264SliceHeader {
  H264NalHeader nal;
  uint8_t pps_id = 0;
  bool field_pic = false;
  bool bottom_field = false;

  // ref_pic_list0/1 are left empty. header_bit_size counts from the first bit of the NAL unit
  // header, emulation prevention bytes not counted. num_ref_idx_lX_active_minus1 are the counts in
  // force; 0 for lists that the slice type does not use.
  v4l2_ctrl_h264_slice_params slice{};
  bool num_ref_idx_override = false;
  // The picture's part: dpb and picture order counts are left zero. The flags PFRAME and BFRAME say
  // what this slice may hold. Bit sizes do not count emulation prevention bytes.
  v4l2_ctrl_h264_decode_params decode{};
  // Explicit weights, where h264_has_explicit_weights(); entries without a flag hold the default.
  v4l2_ctrl_h264_pred_weights weights{};
  std::array<std::vector<H264ListModification>, 2> list_modifications;  // at most 32 each

  // dec_ref_pic_marking()
  bool no_output_of_prior_pics = false;
  bool long_term_reference = false;
  bool adaptive_marking = false;
  std::vector<H264MarkingOperation> marking;  // at most 66

  bool idr() const { return nal.type == H264NalType::kSliceIdr; }
  bool is_b() const { return slice.slice_type == V4L2_H264_SLICE_TYPE_B; }
  bool is_intra() const {
    return slice.slice_type == V4L2_H264_SLICE_TYPE_I ||
           slice.slice_type == V4L2_H264_SLICE_TYPE_SI;
  }
};

// What the parser needs to know of the parameter sets in force.
struct H264SliceContext {
  const v4l2_ctrl_h264_sps& sps;
  const v4l2_ctrl_h264_pps& pps;
  unsigned slice_group_change_cycle_bits = 0;  // h264_slice_group_change_cycle_bits()
};

enum class H264SliceDepth : uint8_t {
  // Through num_ref_idx_active_override_flag and its counts: neither the PPS's default counts nor
  // its weighted prediction need be right. Where num_ref_idx_override comes out false, the counts
  // in
  // `slice` are the context's defaults.
  kReferenceCounts,
  kWhole,
};

// Every value is checked against the standard's range for the context. The context's PPS need not
// be the one that the slice names.
Result<H264SliceHeader> parse_h264_slice_header(std::span<const uint8_t> nal,
                                                const H264SliceContext& context,
                                                H264SliceDepth depth = H264SliceDepth::kWhole);

// Does pred_weight_table() stand in the slice's header (7.3.3)?
bool h264_has_explicit_weights(const v4l2_ctrl_h264_pps& pps, uint8_t slice_type);

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_H264_SLICE_HEADER_H_
