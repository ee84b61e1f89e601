#include "decode_core/headers/h264_slice_header.h"

#include <string>
#include <utility>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/headers/rbsp.h"

namespace daedalus::headers {
namespace {

// Longer than any header that keeps to the standard: 64 weights of three planes, 64 list
// modifications and 66 marking operations of the longest codes in use.
constexpr size_t kMaxHeaderBytes = 4096;
constexpr size_t kMaxMarkingOperations = 66;

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("H.264 slice header: ") + what};
}

Result<H264SliceStart> read_start(BitReader& reader) {
  H264SliceStart start;
  start.first_mb_in_slice = reader.ue();
  const uint32_t slice_type = reader.ue();
  const uint32_t pps_id = reader.ue();
  if (reader.overrun()) return corrupt("it ends too early");
  if (slice_type > 9) return corrupt("slice_type above 9");
  if (pps_id > 255) return corrupt("pic_parameter_set_id above 255");
  start.slice_type = static_cast<uint8_t>(slice_type % 5);
  start.pps_id = static_cast<uint8_t>(pps_id);
  return start;
}

class SliceHeaderParser {
 public:
  SliceHeaderParser(std::span<const uint8_t> rbsp, const H264SliceContext& context)
      : reader_(rbsp), sps_(context.sps), pps_(context.pps), context_(context) {}

  Result<H264SliceHeader> parse(const H264NalHeader& nal, H264SliceDepth depth) {
    header_.nal = nal;
    reader_.skip(8);
    if (Status status = read_identity(); !status) return status.error();
    if (Status status = read_picture_order(); !status) return status.error();
    if (Status status = read_reference_counts(); !status) return status.error();
    if (depth == H264SliceDepth::kWhole) {
      if (Status status = read_rest(); !status) return status.error();
      header_.slice.header_bit_size = static_cast<uint32_t>(reader_.position());
    }
    if (reader_.overrun()) return corrupt("it ends too early");
    return std::move(header_);
  }

 private:
  bool sps_has(uint32_t flag) const { return (sps_.flags & flag) != 0; }
  bool pps_has(uint32_t flag) const { return (pps_.flags & flag) != 0; }
  bool predicted() const { return !header_.is_intra(); }
  uint8_t type() const { return header_.slice.slice_type; }
  uint32_t max_frame_num() const { return 1u << (sps_.log2_max_frame_num_minus4 + 4); }
  uint32_t max_pic_num() const { return max_frame_num() << (header_.field_pic ? 1 : 0); }

  // Up to and with idr_pic_id.
  Status read_identity() {
    const Result<H264SliceStart> start = read_start(reader_);
    if (!start) return start.error();
    v4l2_ctrl_h264_decode_params& decode = header_.decode;
    header_.pps_id = start->pps_id;
    header_.slice.slice_type = start->slice_type;
    header_.slice.first_mb_in_slice = start->first_mb_in_slice;
    decode.nal_ref_idc = header_.nal.ref_idc;
    if (header_.idr() && header_.nal.ref_idc == 0)
      return corrupt("an IDR picture with nal_ref_idc 0");
    if (sps_has(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE)) {
      header_.slice.colour_plane_id = static_cast<uint8_t>(reader_.u(2));
      if (header_.slice.colour_plane_id > 2) return corrupt("colour_plane_id is 3");
    }
    decode.frame_num = static_cast<uint16_t>(reader_.u(sps_.log2_max_frame_num_minus4 + 4u));
    if (!sps_has(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY)) {
      header_.field_pic = reader_.flag();
      if (header_.field_pic) header_.bottom_field = reader_.flag();
    }
    if (header_.idr()) {
      const uint32_t idr_pic_id = reader_.ue();
      if (idr_pic_id > 65535) return corrupt("idr_pic_id above 65535");
      decode.idr_pic_id = static_cast<uint16_t>(idr_pic_id);
      decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC;
    }
    if (header_.field_pic) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
    if (header_.bottom_field) decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
    if (type() == V4L2_H264_SLICE_TYPE_P || type() == V4L2_H264_SLICE_TYPE_SP) {
      decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_PFRAME;
    } else if (header_.is_b()) {
      decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
    }
    return check_first_mb();
  }

  Status check_first_mb() const {
    const bool mbaff = sps_has(V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD) && !header_.field_pic;
    const uint32_t frame_mbs = h264_width_in_mbs(sps_) * h264_frame_height_in_mbs(sps_);
    const uint32_t addresses = mbaff || header_.field_pic ? frame_mbs / 2 : frame_mbs;
    if (header_.slice.first_mb_in_slice >= addresses) {
      return corrupt("first_mb_in_slice is outside the picture");
    }
    return {};
  }

  // The picture order count's elements, and redundant_pic_cnt.
  Status read_picture_order() {
    v4l2_ctrl_h264_decode_params& decode = header_.decode;
    const size_t start = reader_.position();
    const bool frame_has_bottom =
        pps_has(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT) && !header_.field_pic;
    if (sps_.pic_order_cnt_type == 0) {
      decode.pic_order_cnt_lsb =
          static_cast<uint16_t>(reader_.u(sps_.log2_max_pic_order_cnt_lsb_minus4 + 4u));
      if (frame_has_bottom) decode.delta_pic_order_cnt_bottom = reader_.se();
    } else if (sps_.pic_order_cnt_type == 1 &&
               !sps_has(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO)) {
      decode.delta_pic_order_cnt0 = reader_.se();
      if (frame_has_bottom) decode.delta_pic_order_cnt1 = reader_.se();
    }
    decode.pic_order_cnt_bit_size = static_cast<uint32_t>(reader_.position() - start);
    if (pps_has(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT)) {
      const uint32_t count = reader_.ue();
      if (count > 127) return corrupt("redundant_pic_cnt above 127");
      header_.slice.redundant_pic_cnt = static_cast<uint8_t>(count);
    }
    return {};
  }

  Status read_reference_counts() {
    if (header_.is_b() && reader_.flag()) {
      header_.slice.flags |= V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED;
    }
    if (!predicted()) return {};
    uint32_t l0 = pps_.num_ref_idx_l0_default_active_minus1;
    uint32_t l1 = pps_.num_ref_idx_l1_default_active_minus1;
    header_.num_ref_idx_override = reader_.flag();
    if (header_.num_ref_idx_override) {
      l0 = reader_.ue();
      if (header_.is_b()) l1 = reader_.ue();
    }
    if (!header_.is_b()) l1 = 0;
    const uint32_t limit = header_.field_pic ? 31 : 15;
    if (l0 > limit || l1 > limit) return corrupt("num_ref_idx_active_minus1 too large");
    header_.slice.num_ref_idx_l0_active_minus1 = static_cast<uint8_t>(l0);
    header_.slice.num_ref_idx_l1_active_minus1 = static_cast<uint8_t>(l1);
    return {};
  }

  // What follows the reference counts.
  Status read_rest() {
    if (predicted()) {
      if (Status status = read_modifications(0); !status) return status;
      if (header_.is_b()) {
        if (Status status = read_modifications(1); !status) return status;
      }
    }
    if (h264_has_explicit_weights(pps_, type())) {
      if (Status status = read_weights(); !status) return status;
    }
    if (header_.nal.ref_idc != 0) {
      const size_t start = reader_.position();
      if (Status status = read_marking(); !status) return status;
      header_.decode.dec_ref_pic_marking_bit_size =
          static_cast<uint32_t>(reader_.position() - start);
    }
    if (pps_has(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) && predicted()) {
      const uint32_t idc = reader_.ue();
      if (idc > 2) return corrupt("cabac_init_idc above 2");
      header_.slice.cabac_init_idc = static_cast<uint8_t>(idc);
    }
    if (Status status = read_quantiser(); !status) return status;
    if (Status status = read_deblocking(); !status) return status;
    header_.decode.slice_group_change_cycle = reader_.u(context_.slice_group_change_cycle_bits);
    return {};
  }

  Status read_modifications(size_t list) {
    if (!reader_.flag()) return {};
    std::vector<H264ListModification>& entries = header_.list_modifications[list];
    const size_t limit = 1u + (list == 0 ? header_.slice.num_ref_idx_l0_active_minus1
                                         : header_.slice.num_ref_idx_l1_active_minus1);
    constexpr uint32_t kEnd = 3;
    while (true) {
      const uint32_t idc = reader_.ue();
      if (reader_.overrun()) return corrupt("it ends too early");
      if (idc == kEnd) return {};
      if (idc > kEnd) return corrupt("modification_of_pic_nums_idc above 3");
      if (entries.size() == limit) return corrupt("more list modifications than references");
      const uint32_t value = reader_.ue();
      if (idc == 2 ? value >= 32 : value >= max_pic_num()) {
        return corrupt("a list modification's picture number is out of range");
      }
      entries.push_back({static_cast<uint8_t>(idc), value});
    }
  }

  bool read_weight(uint32_t denominator, int16_t& weight, int16_t& offset) {
    const int32_t coded_weight = reader_.se();
    const int32_t coded_offset = reader_.se();
    weight = static_cast<int16_t>(coded_weight);
    offset = static_cast<int16_t>(coded_offset);
    // A flag of 1 may carry the default of the largest denominator, 128 (7.4.3.2).
    const int32_t most = denominator == 7 ? 128 : 127;
    return coded_weight >= -128 && coded_weight <= most && coded_offset >= -128 &&
           coded_offset <= 127;
  }

  Status read_weights() {
    v4l2_ctrl_h264_pred_weights& weights = header_.weights;
    const bool has_chroma = h264_chroma_array_type(sps_) != 0;
    const uint32_t luma = reader_.ue();
    const uint32_t chroma = has_chroma ? reader_.ue() : 0;
    if (luma > 7 || chroma > 7) return corrupt("log2_weight_denom above 7");
    weights.luma_log2_weight_denom = static_cast<uint16_t>(luma);
    weights.chroma_log2_weight_denom = static_cast<uint16_t>(chroma);
    for (size_t list = 0; list < (header_.is_b() ? 2u : 1u); ++list) {
      const size_t count = 1u + (list == 0 ? header_.slice.num_ref_idx_l0_active_minus1
                                           : header_.slice.num_ref_idx_l1_active_minus1);
      v4l2_h264_weight_factors& factors = weights.weight_factors[list];
      for (size_t i = 0; i < count; ++i) {
        bool valid = true;
        factors.luma_weight[i] = static_cast<int16_t>(1 << luma);
        if (reader_.flag())
          valid = read_weight(luma, factors.luma_weight[i], factors.luma_offset[i]);
        factors.chroma_weight[i][0] = factors.chroma_weight[i][1] =
            static_cast<int16_t>(1 << chroma);
        if (has_chroma && reader_.flag()) {
          for (size_t c = 0; c < 2; ++c) {
            valid &= read_weight(chroma, factors.chroma_weight[i][c], factors.chroma_offset[i][c]);
          }
        }
        if (!valid) return corrupt("a prediction weight is out of range");
      }
    }
    return {};
  }

  Status read_marking() {
    if (header_.idr()) {
      header_.no_output_of_prior_pics = reader_.flag();
      header_.long_term_reference = reader_.flag();
      return {};
    }
    header_.adaptive_marking = reader_.flag();
    if (!header_.adaptive_marking) return {};
    while (true) {
      H264MarkingOperation entry;
      const uint32_t operation = reader_.ue();
      if (reader_.overrun()) return corrupt("it ends too early");
      if (operation == 0) return {};
      if (operation > 6) return corrupt("memory_management_control_operation above 6");
      if (header_.marking.size() == kMaxMarkingOperations) {
        return corrupt("too many memory management control operations");
      }
      entry.operation = static_cast<uint8_t>(operation);
      if (operation == 1 || operation == 3) entry.difference_of_pic_nums_minus1 = reader_.ue();
      if (operation == 2) entry.long_term_pic_num = reader_.ue();
      if (operation == 3 || operation == 6) entry.long_term_frame_idx = reader_.ue();
      if (operation == 4) entry.max_long_term_frame_idx_plus1 = reader_.ue();
      if (entry.difference_of_pic_nums_minus1 >= max_pic_num() || entry.long_term_pic_num >= 32 ||
          entry.long_term_frame_idx >= 16 || entry.max_long_term_frame_idx_plus1 > 16) {
        return corrupt("a memory management control operation's picture is out of range");
      }
      header_.marking.push_back(entry);
    }
  }

  Status read_quantiser() {
    const int64_t qp_delta = reader_.se();
    const int64_t qp = 26 + pps_.pic_init_qp_minus26 + qp_delta;
    if (qp < -6 * sps_.bit_depth_luma_minus8 || qp > 51)
      return corrupt("slice_qp_delta out of range");
    header_.slice.slice_qp_delta = static_cast<int8_t>(qp_delta);
    if (type() != V4L2_H264_SLICE_TYPE_SP && type() != V4L2_H264_SLICE_TYPE_SI) return {};
    if (type() == V4L2_H264_SLICE_TYPE_SP && reader_.flag()) {
      header_.slice.flags |= V4L2_H264_SLICE_FLAG_SP_FOR_SWITCH;
    }
    const int64_t qs_delta = reader_.se();
    const int64_t qs = 26 + pps_.pic_init_qs_minus26 + qs_delta;
    if (qs < 0 || qs > 51) return corrupt("slice_qs_delta out of range");
    header_.slice.slice_qs_delta = static_cast<int8_t>(qs_delta);
    return {};
  }

  Status read_deblocking() {
    if (!pps_has(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) return {};
    const uint32_t idc = reader_.ue();
    if (idc > 2) return corrupt("disable_deblocking_filter_idc above 2");
    header_.slice.disable_deblocking_filter_idc = static_cast<uint8_t>(idc);
    if (idc == 1) return {};
    const int32_t alpha = reader_.se();
    const int32_t beta = reader_.se();
    if (alpha < -6 || alpha > 6 || beta < -6 || beta > 6) {
      return corrupt("a deblocking offset is out of range");
    }
    header_.slice.slice_alpha_c0_offset_div2 = static_cast<int8_t>(alpha);
    header_.slice.slice_beta_offset_div2 = static_cast<int8_t>(beta);
    return {};
  }

  BitReader reader_;
  const v4l2_ctrl_h264_sps& sps_;
  const v4l2_ctrl_h264_pps& pps_;
  const H264SliceContext& context_;
  H264SliceHeader header_;
};

Result<H264NalHeader> slice_nal_header(std::span<const uint8_t> nal) {
  const H264NalHeader header = h264_nal_header(nal);
  const bool slice = header.type == H264NalType::kSlice || header.type == H264NalType::kSliceIdr;
  if (!header.valid || !slice) return corrupt("not of NAL unit type 1 or 5");
  return header;
}

}  // namespace

bool h264_has_explicit_weights(const v4l2_ctrl_h264_pps& pps, uint8_t slice_type) {
  if (slice_type == V4L2_H264_SLICE_TYPE_B) return pps.weighted_bipred_idc == 1;
  return (slice_type == V4L2_H264_SLICE_TYPE_P || slice_type == V4L2_H264_SLICE_TYPE_SP) &&
         (pps.flags & V4L2_H264_PPS_FLAG_WEIGHTED_PRED) != 0;
}

Result<H264SliceStart> parse_h264_slice_start(std::span<const uint8_t> nal) {
  const Result<H264NalHeader> header = slice_nal_header(nal);
  if (!header) return header.error();
  constexpr size_t kLongestStart = 32;  // bytes; three codes and room for damaged ones
  const std::vector<uint8_t> rbsp = extract_rbsp(nal, kLongestStart);
  BitReader reader(rbsp);
  reader.skip(8);
  return read_start(reader);
}

Result<H264SliceHeader> parse_h264_slice_header(std::span<const uint8_t> nal,
                                                const H264SliceContext& context,
                                                H264SliceDepth depth) {
  const Result<H264NalHeader> header = slice_nal_header(nal);
  if (!header) return header.error();
  const std::vector<uint8_t> rbsp = extract_rbsp(nal, kMaxHeaderBytes);
  return SliceHeaderParser(rbsp, context).parse(*header, depth);
}

}  // namespace daedalus::headers
