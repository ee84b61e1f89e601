#include "test/clients/va/h264_slice_header.h"

#include <algorithm>
#include <string>

#include "test/clients/va/bit_reader.h"

namespace daedalus::va_client {
namespace {

constexpr uint32_t kMaxReferences = 32;
constexpr uint32_t kMaxListModifications = 66;  // 2 fields of 32 references and the end marker

class HeaderReader {
 public:
  HeaderReader(const core::DecodeJob& job, size_t index)
      : parameters_(std::get<core::H264Parameters>(job.parameters)),
        index_(index),
        reader_(job.bytes_of(job.slices[index]), true) {}

  Result<H264SliceHeader> read() {
    reader_.bits(1);
    nal_ref_idc_ = reader_.bits(2);
    nal_unit_type_ = reader_.bits(5);
    if (nal_unit_type_ != 1 && nal_unit_type_ != 5) return corrupt("not a coded slice");
    read_identity();
    read_reference_counts();
    if (header_.reference_count[0] > kMaxReferences || header_.reference_count[1] > kMaxReferences)
      return corrupt("more than 32 active references");
    for (int list = 0; list < 2; ++list) {
      if (header_.uses_list(list) && !read_modifications(list))
        return corrupt("an endless list modification");
    }
    if (weighted()) read_weights();
    if (nal_ref_idc_ != 0 && !skip_marking()) return corrupt("an endless reference marking");
    read_filter_and_qp();
    header_.header_bits = reader_.position();
    if (reader_.exhausted()) return corrupt("truncated");
    return header_;
  }

 private:
  static Error corrupt(const char* what) {
    return {ErrorCode::kCorrupt, std::string("H.264 slice header: ") + what};
  }
  bool sps(uint32_t flag) const { return (parameters_.sps.flags & flag) != 0; }
  bool pps(uint32_t flag) const { return (parameters_.pps.flags & flag) != 0; }
  bool is(H264SliceType type) const { return header_.type == type; }
  bool predicts() const { return !is(H264SliceType::kI) && !is(H264SliceType::kSi); }

  void read_identity() {
    header_.first_mb_in_slice = reader_.unsigned_golomb();
    header_.type = static_cast<H264SliceType>(reader_.unsigned_golomb() % 5);
    reader_.unsigned_golomb();  // pic_parameter_set_id
    if (sps(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE)) reader_.bits(2);
    reader_.bits(parameters_.sps.log2_max_frame_num_minus4 + 4);
    bool field = false;
    if (!sps(V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY)) {
      field = reader_.flag();
      if (field) reader_.flag();
    }
    if (nal_unit_type_ == 5) reader_.unsigned_golomb();  // idr_pic_id
    const bool second_delta = pps(V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT) && !field;
    if (parameters_.sps.pic_order_cnt_type == 0) {
      reader_.bits(parameters_.sps.log2_max_pic_order_cnt_lsb_minus4 + 4);
      if (second_delta) reader_.signed_golomb();
    }
    if (parameters_.sps.pic_order_cnt_type == 1 &&
        !sps(V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO)) {
      reader_.signed_golomb();
      if (second_delta) reader_.signed_golomb();
    }
    if (pps(V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT)) reader_.unsigned_golomb();
  }

  void read_reference_counts() {
    if (is(H264SliceType::kB)) header_.direct_spatial_mv_pred = reader_.flag();
    if (!predicts()) return;
    std::array<uint32_t, 2> minus1 = {parameters_.pps.num_ref_idx_l0_default_active_minus1,
                                      parameters_.pps.num_ref_idx_l1_default_active_minus1};
    if (!parameters_.default_reference_counts_known &&
        index_ < parameters_.slice_reference_counts_minus1.size()) {
      minus1 = {parameters_.slice_reference_counts_minus1[index_][0],
                parameters_.slice_reference_counts_minus1[index_][1]};
    }
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
    if (is(H264SliceType::kB)) return parameters_.pps.weighted_bipred_idc == 1;
    return predicts() && pps(V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
  }

  void read_weights() {
    const bool chroma = parameters_.sps.chroma_format_idc != 0 &&
                        !sps(V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE);
    header_.luma_log2_weight_denom = static_cast<uint8_t>(reader_.unsigned_golomb() & 7);
    if (chroma) header_.chroma_log2_weight_denom = static_cast<uint8_t>(reader_.unsigned_golomb() & 7);
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
  bool skip_marking() {
    if (nal_unit_type_ == 5) {
      reader_.bits(2);
      return true;
    }
    if (!reader_.flag()) return true;
    for (uint32_t i = 0; i < kMaxListModifications; ++i) {
      const uint32_t operation = reader_.unsigned_golomb();
      if (operation == 0) return true;
      if (operation != 5) reader_.unsigned_golomb();
      if (operation == 3) reader_.unsigned_golomb();
    }
    return false;
  }

  void read_filter_and_qp() {
    if (pps(V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) && predicts())
      header_.cabac_init_idc = static_cast<uint8_t>(reader_.unsigned_golomb());
    header_.slice_qp_delta = static_cast<int8_t>(reader_.signed_golomb());
    if (is(H264SliceType::kSp)) reader_.flag();
    if (is(H264SliceType::kSp) || is(H264SliceType::kSi)) reader_.signed_golomb();
    if (!pps(V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT)) return;
    header_.disable_deblocking_filter_idc = static_cast<uint8_t>(reader_.unsigned_golomb());
    if (header_.disable_deblocking_filter_idc == 1) return;
    header_.slice_alpha_c0_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
    header_.slice_beta_offset_div2 = static_cast<int8_t>(reader_.signed_golomb());
  }

  const core::H264Parameters& parameters_;
  const size_t index_;
  BitReader reader_;
  uint32_t nal_ref_idc_ = 0;
  uint32_t nal_unit_type_ = 0;
  H264SliceHeader header_;
};

}  // namespace

Result<H264SliceHeader> read_h264_slice_header(const core::DecodeJob& job, size_t index) {
  return HeaderReader(job, index).read();
}

}  // namespace daedalus::va_client
