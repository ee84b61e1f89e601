#include "test/clients/parsers/h264_slice_header.h"

#include <algorithm>
#include <string>

#include "test/clients/parsers/bit_reader.h"

namespace daedalus::clients {
namespace {

constexpr uint32_t kMaxReferences = 32;
constexpr uint32_t kMaxListModifications = 66;  // 2 fields of 32 references and the end marker

class HeaderReader {
 public:
  HeaderReader(std::span<const uint8_t> nal, const v4l2_ctrl_h264_sps& sps,
               const v4l2_ctrl_h264_pps& pps, uint32_t cycle_bits)
      : sps_(sps), pps_(pps), cycle_bits_(cycle_bits), reader_(nal, true) {}

  Result<H264SliceHeader> read() {
    reader_.bits(1);
    header_.nal_ref_idc = reader_.bits(2);
    const uint32_t nal_unit_type = reader_.bits(5);
    if (nal_unit_type != 1 && nal_unit_type != 5) return corrupt("not a coded slice");
    header_.idr = nal_unit_type == 5;
    read_identity();
    read_reference_counts();
    if (header_.reference_count[0] > kMaxReferences || header_.reference_count[1] > kMaxReferences)
      return corrupt("more than 32 active references");
    for (int list = 0; list < 2; ++list) {
      if (header_.uses_list(list) && !read_modifications(list))
        return corrupt("an endless list modification");
    }
    if (weighted()) read_weights();
    if (header_.nal_ref_idc != 0 && !read_marking()) return corrupt("an endless reference marking");
    read_filter_and_qp();
    header_.header_bits = reader_.position();
    if (reader_.exhausted()) return corrupt("truncated");
    return header_;
  }

 private:
  static Error corrupt(const char* what) {
    return {ErrorCode::kCorrupt, std::string("H.264 slice header: ") + what};
  }
  bool sps(uint32_t flag) const { return (sps_.flags & flag) != 0; }
  bool pps(uint32_t flag) const { return (pps_.flags & flag) != 0; }
  bool is(H264SliceType type) const { return header_.type == type; }
  bool predicts() const { return !is(H264SliceType::kI) && !is(H264SliceType::kSi); }

  void read_identity() {
    header_.first_mb_in_slice = reader_.unsigned_golomb();
    header_.type = static_cast<H264SliceType>(reader_.unsigned_golomb() % 5);
    header_.pps_id = reader_.unsigned_golomb();
    if (sps(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE))
      header_.colour_plane_id = static_cast<uint8_t>(reader_.bits(2));
    header_.frame_num = reader_.bits(sps_.log2_max_frame_num_minus4 + 4);
    if (!sps(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY)) {
      header_.field_pic = reader_.flag();
      if (header_.field_pic) header_.bottom_field = reader_.flag();
    }
    if (header_.idr) header_.idr_pic_id = reader_.unsigned_golomb();
    const uint32_t start = reader_.position();
    read_order_counts();
    header_.pic_order_cnt_bits = reader_.position() - start;
    if (pps(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT))
      header_.redundant_pic_cnt = reader_.unsigned_golomb();
  }

  void read_order_counts() {
    const bool second_delta =
        pps(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT) && !header_.field_pic;
    if (sps_.pic_order_cnt_type == 0) {
      header_.pic_order_cnt_lsb = reader_.bits(sps_.log2_max_pic_order_cnt_lsb_minus4 + 4);
      if (second_delta) header_.delta_pic_order_cnt_bottom = reader_.signed_golomb();
    }
    if (sps_.pic_order_cnt_type == 1 && !sps(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO)) {
      header_.delta_pic_order_cnt[0] = reader_.signed_golomb();
      if (second_delta) header_.delta_pic_order_cnt[1] = reader_.signed_golomb();
    }
  }

  void read_reference_counts() {
    if (is(H264SliceType::kB)) header_.direct_spatial_mv_pred = reader_.flag();
    if (!predicts()) return;
    std::array<uint32_t, 2> minus1 = {pps_.num_ref_idx_l0_default_active_minus1,
                                      pps_.num_ref_idx_l1_default_active_minus1};
    if (reader_.flag()) {  // num_ref_idx_active_override_flag
      minus1[0] = reader_.unsigned_golomb();
      if (is(H264SliceType::kB)) minus1[1] = reader_.unsigned_golomb();
    }
    header_.reference_count[0] = static_cast<uint8_t>(std::min<uint32_t>(minus1[0], 200) + 1);
    if (is(H264SliceType::kB))
      header_.reference_count[1] = static_cast<uint8_t>(std::min<uint32_t>(minus1[1], 200) + 1);
  }

  bool read_modifications(int list) {
    if (!reader_.flag()) return true;
    for (uint32_t i = 0; i < kMaxListModifications; ++i) {
      const uint32_t idc = reader_.unsigned_golomb();
      if (idc == 3) return true;
      if (idc > 3) return false;
      header_.modifications[list].push_back({idc, reader_.unsigned_golomb()});
    }
    return false;
  }

  bool weighted() const {
    if (is(H264SliceType::kB)) return pps_.weighted_bipred_idc == 1;
    return predicts() && pps(V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
  }

  void read_weights() {
    const bool chroma =
        sps_.chroma_format_idc != 0 && !sps(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
    header_.luma_log2_weight_denom = static_cast<uint8_t>(reader_.unsigned_golomb() & 7);
    if (chroma)
      header_.chroma_log2_weight_denom = static_cast<uint8_t>(reader_.unsigned_golomb() & 7);
    for (int list = 0; list < 2; ++list) {
      H264Weights& weights = header_.weights[list];
      for (uint32_t i = 0; i < header_.reference_count[list]; ++i) {
        weights.luma_weight[i] = static_cast<int16_t>(1 << header_.luma_log2_weight_denom);
        if (reader_.flag()) {
          weights.luma_present = true;
          weights.luma_weight[i] = static_cast<int16_t>(reader_.signed_golomb());
          weights.luma_offset[i] = static_cast<int16_t>(reader_.signed_golomb());
        }
        const auto neutral = static_cast<int16_t>(1 << header_.chroma_log2_weight_denom);
        weights.chroma_weight[i] = {neutral, neutral};
        if (!chroma || !reader_.flag()) continue;
        weights.chroma_present = true;
        for (int plane = 0; plane < 2; ++plane) {
          weights.chroma_weight[i][plane] = static_cast<int16_t>(reader_.signed_golomb());
          weights.chroma_offset[i][plane] = static_cast<int16_t>(reader_.signed_golomb());
        }
      }
    }
  }

  // dec_ref_pic_marking() (7.3.3.3)
  bool read_marking() {
    const uint32_t start = reader_.position();
    const bool ended = header_.idr ? read_idr_marking() : read_operations();
    header_.marking_bits = reader_.position() - start;
    return ended;
  }
  bool read_idr_marking() {
    reader_.bits(1);  // no_output_of_prior_pics_flag
    header_.long_term_reference = reader_.flag();
    return true;
  }
  bool read_operations() {
    header_.adaptive_marking = reader_.flag();
    if (!header_.adaptive_marking) return true;
    for (uint32_t i = 0; i < kMaxListModifications; ++i) {
      H264Marking marking;
      marking.operation = reader_.unsigned_golomb();
      if (marking.operation == 0) return true;
      if (marking.operation > 6) return false;
      const bool short_term = marking.operation == 1 || marking.operation == 3;
      if (short_term) marking.difference = reader_.unsigned_golomb();
      if (marking.operation != 1 && marking.operation != 5)
        marking.long_term = reader_.unsigned_golomb();
      header_.marking.push_back(marking);
    }
    return false;
  }

  void read_filter_and_qp() {
    if (pps(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) && predicts())
      header_.cabac_init_idc = static_cast<uint8_t>(reader_.unsigned_golomb());
    header_.slice_qp_delta = static_cast<int8_t>(reader_.signed_golomb());
    if (is(H264SliceType::kSp)) header_.sp_for_switch = reader_.flag();
    if (is(H264SliceType::kSp) || is(H264SliceType::kSi))
      header_.slice_qs_delta = static_cast<int8_t>(reader_.signed_golomb());
    if (pps(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) read_filter();
    header_.slice_group_change_cycle = reader_.bits(static_cast<int>(cycle_bits_));
  }

  void read_filter() {
    header_.disable_deblocking_filter_idc = static_cast<uint8_t>(reader_.unsigned_golomb());
    if (header_.disable_deblocking_filter_idc == 1) return;
    header_.slice_alpha_c0_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
    header_.slice_beta_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
  }

  const v4l2_ctrl_h264_sps& sps_;
  const v4l2_ctrl_h264_pps& pps_;
  const uint32_t cycle_bits_;
  BitReader reader_;
  H264SliceHeader header_;
};

}  // namespace

Result<H264SliceHeader> read_h264_slice_header(std::span<const uint8_t> nal,
                                               const v4l2_ctrl_h264_sps& sps,
                                               const v4l2_ctrl_h264_pps& pps, uint32_t cycle_bits) {
  return HeaderReader(nal, sps, pps, cycle_bits).read();
}

uint32_t read_h264_slice_pps_id(std::span<const uint8_t> nal) {
  BitReader reader(nal, true);
  reader.bits(8);
  reader.unsigned_golomb();
  reader.unsigned_golomb();
  return reader.unsigned_golomb();
}

}  // namespace daedalus::clients
