// H.264: VAPictureParameterBufferH264 and its kin as the kernel's control structures. The slices
// are whole NAL units, so what VA does not carry (marking, list modifications) is still in them.
#include <algorithm>
#include <cstring>
#include <utility>

#include "va_driver/job_builder.h"
#include "va_driver/nal_unit.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

constexpr size_t kDpbSize = V4L2_H264_NUM_DPB_ENTRIES;

bool is_flat(const VAIQMatrixBufferH264& matrix) {
  const auto flat = [](uint8_t factor) { return factor == 16; };
  const uint8_t* list_4x4 = matrix.ScalingList4x4[0];
  const uint8_t* list_8x8 = matrix.ScalingList8x8[0];
  return std::all_of(list_4x4, list_4x4 + sizeof matrix.ScalingList4x4, flat) &&
         std::all_of(list_8x8, list_8x8 + sizeof matrix.ScalingList8x8, flat);
}

// Which fields of an entry the flags name; none named means both.
uint8_t fields_of(uint32_t flags) {
  const uint32_t fields = flags & (VA_PICTURE_H264_TOP_FIELD | VA_PICTURE_H264_BOTTOM_FIELD);
  if (fields == VA_PICTURE_H264_TOP_FIELD) return V4L2_H264_TOP_FIELD_REF;
  if (fields == VA_PICTURE_H264_BOTTOM_FIELD) return V4L2_H264_BOTTOM_FIELD_REF;
  return V4L2_H264_FRAME_REF;
}

v4l2_h264_dpb_entry dpb_entry(const VAPictureH264& picture, int32_t frame_num,
                              int32_t max_frame_num, bool field_pic) {
  v4l2_h264_dpb_entry entry{};
  const bool long_term = picture.flags & VA_PICTURE_H264_LONG_TERM_REFERENCE;
  const bool short_term = picture.flags & VA_PICTURE_H264_SHORT_TERM_REFERENCE;
  entry.frame_num = static_cast<uint16_t>(picture.frame_idx);
  entry.fields = fields_of(picture.flags);
  entry.top_field_order_cnt = picture.TopFieldOrderCnt;
  entry.bottom_field_order_cnt = picture.BottomFieldOrderCnt;
  entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID;
  if (long_term || short_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
  if (long_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
  if (entry.fields != V4L2_H264_FRAME_REF) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_FIELD;

  // FrameNumWrap (8-27) or LongTermFrameIdx; of a field, PicNum of the same parity (8-30, 8-32).
  int32_t number = entry.frame_num;
  if (!long_term && number > frame_num) number -= max_frame_num;
  entry.pic_num = static_cast<uint32_t>(field_pic ? 2 * number + 1 : number);
  return entry;
}

// Of slice_type (table 7-6): tegra-vde takes a picture that has neither flag for an intra one.
uint32_t slice_type_flag(uint8_t slice_type) {
  switch (slice_type % 5) {
    case V4L2_H264_SLICE_TYPE_P:
    case V4L2_H264_SLICE_TYPE_SP:
      return V4L2_H264_DECODE_PARAM_FLAG_PFRAME;
    case V4L2_H264_SLICE_TYPE_B:
      return V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
    default:
      return 0;
  }
}

class H264Builder : public JobBuilder {
 public:
  explicit H264Builder(core::Profile profile)
      : JobBuilder({sizeof(VAPictureParameterBufferH264), sizeof(VAIQMatrixBufferH264), 0,
                    sizeof(VASliceParameterBufferH264)}),
        profile_(profile) {}

 private:
  void reset() override {
    has_matrix_ = false;
    slice_types_ = 0;
    reference_counts_.clear();
  }
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t* parameters) override {
    std::memcpy(&matrix_, parameters, sizeof matrix_);
    has_matrix_ = true;
  }
  void take_probability(const uint8_t*) override {}
  void take_slice(const uint8_t* parameters) override {
    VASliceParameterBufferH264 slice;
    std::memcpy(&slice, parameters, sizeof slice);
    slice_types_ |= slice_type_flag(slice.slice_type);
    reference_counts_.push_back(
        {slice.num_ref_idx_l0_active_minus1, slice.num_ref_idx_l1_active_minus1});
  }

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  VAStatus check_picture() const;
  v4l2_ctrl_h264_sps sequence() const;
  v4l2_ctrl_h264_pps picture_set() const;
  v4l2_ctrl_h264_scaling_matrix scaling_matrix() const;
  void fill_picture(core::H264Parameters* parameters) const;
  void resolve(References& references, core::H264Parameters* parameters,
               core::DecodeJob* job) const;

  const core::Profile profile_;
  VAPictureParameterBufferH264 picture_{};
  VAIQMatrixBufferH264 matrix_{};
  bool has_matrix_ = false;
  uint32_t slice_types_ = 0;  // V4L2_H264_DECODE_PARAM_FLAG_PFRAME and BFRAME
  std::vector<std::array<uint8_t, 2>> reference_counts_;  // minus 1, by slice
};

VAStatus H264Builder::check_picture() const {
  const auto& seq = picture_.seq_fields.bits;
  if (picture_.bit_depth_luma_minus8 != 0 || picture_.bit_depth_chroma_minus8 != 0 ||
      seq.chroma_format_idc > 1 || seq.residual_colour_transform_flag) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT,
                  "H.264 of %d bits, chroma_format_idc %u: only 8 bits 4:2:0 and 4:0:0",
                  picture_.bit_depth_luma_minus8 + 8, seq.chroma_format_idc);
  }
  constexpr int kMaxMacroblocks = core::kMaxDimension / 16;
  if (picture_.picture_width_in_mbs_minus1 >= kMaxMacroblocks ||
      picture_.picture_height_in_mbs_minus1 >= kMaxMacroblocks) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED, "H.264 of %dx%d macroblocks",
                  picture_.picture_width_in_mbs_minus1 + 1,
                  picture_.picture_height_in_mbs_minus1 + 1);
  }
  const bool frames_only = seq.frame_mbs_only_flag;
  if (frames_only && picture_.pic_fields.bits.field_pic_flag) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a field in a sequence of frames only");
  }
  if (!frames_only && picture_.picture_height_in_mbs_minus1 % 2 == 0) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                  "an interlaced frame of an odd number of macroblock rows, %d",
                  picture_.picture_height_in_mbs_minus1 + 1);
  }
  if (picture_.num_ref_frames > kDpbSize || seq.pic_order_cnt_type > 2 ||
      seq.log2_max_frame_num_minus4 > 12 || seq.log2_max_pic_order_cnt_lsb_minus4 > 12 ||
      picture_.pic_fields.bits.weighted_bipred_idc > 2) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                  "H.264 sequence or picture parameters beyond the standard's range");
  }
  return VA_STATUS_SUCCESS;
}

v4l2_ctrl_h264_sps H264Builder::sequence() const {
  const auto& seq = picture_.seq_fields.bits;
  v4l2_ctrl_h264_sps sps{};
  // The client's profile, or High where the parameters need its syntax (7.3.2.1.1, 7.3.2.2).
  const bool high = profile_ == core::Profile::kH264High ||
                    picture_.pic_fields.bits.transform_8x8_mode_flag ||
                    picture_.second_chroma_qp_index_offset != picture_.chroma_qp_index_offset ||
                    seq.chroma_format_idc == 0 || (has_matrix_ && !is_flat(matrix_));
  sps.profile_idc = high ? 100 : profile_ == core::Profile::kH264Main ? 77 : 66;
  if (sps.profile_idc == 66) sps.constraint_set_flags = V4L2_H264_SPS_CONSTRAINT_SET1_FLAG;
  sps.chroma_format_idc = seq.chroma_format_idc;
  sps.log2_max_frame_num_minus4 = seq.log2_max_frame_num_minus4;
  sps.pic_order_cnt_type = seq.pic_order_cnt_type;
  sps.log2_max_pic_order_cnt_lsb_minus4 = seq.log2_max_pic_order_cnt_lsb_minus4;
  sps.max_num_ref_frames = picture_.num_ref_frames;
  sps.pic_width_in_mbs_minus1 = picture_.picture_width_in_mbs_minus1;
  // VA counts the rows of a frame, the sequence parameter set those of a map unit (7.4.2.1.1).
  const uint32_t rows = picture_.picture_height_in_mbs_minus1 + 1u;
  sps.pic_height_in_map_units_minus1 =
      static_cast<uint16_t>((seq.frame_mbs_only_flag ? rows : rows / 2) - 1);
  if (seq.frame_mbs_only_flag) sps.flags |= V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
  if (seq.mb_adaptive_frame_field_flag) sps.flags |= V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD;
  if (seq.direct_8x8_inference_flag) sps.flags |= V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
  if (seq.gaps_in_frame_num_value_allowed_flag) {
    sps.flags |= V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
  }
  if (seq.delta_pic_order_always_zero_flag) {
    sps.flags |= V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO;
  }
  return sps;
}

v4l2_ctrl_h264_pps H264Builder::picture_set() const {
  const auto& bits = picture_.pic_fields.bits;
  v4l2_ctrl_h264_pps pps{};
  pps.weighted_bipred_idc = bits.weighted_bipred_idc;
  pps.pic_init_qp_minus26 = picture_.pic_init_qp_minus26;
  pps.pic_init_qs_minus26 = picture_.pic_init_qs_minus26;
  pps.chroma_qp_index_offset = picture_.chroma_qp_index_offset;
  pps.second_chroma_qp_index_offset = picture_.second_chroma_qp_index_offset;
  const auto flag = [&](bool set, uint16_t value) {
    if (set) pps.flags |= value;
  };
  flag(bits.entropy_coding_mode_flag, V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE);
  flag(bits.weighted_pred_flag, V4L2_H264_PPS_FLAG_WEIGHTED_PRED);
  flag(bits.transform_8x8_mode_flag, V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  flag(bits.constrained_intra_pred_flag, V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED);
  flag(bits.pic_order_present_flag, V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT);
  flag(bits.deblocking_filter_control_present_flag,
       V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
  flag(bits.redundant_pic_cnt_present_flag, V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT);
  flag(has_matrix_ && !is_flat(matrix_), V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT);
  return pps;
}

v4l2_ctrl_h264_scaling_matrix H264Builder::scaling_matrix() const {
  v4l2_ctrl_h264_scaling_matrix out;
  std::memset(&out, 16, sizeof out);
  if (!has_matrix_) return out;
  static_assert(sizeof out.scaling_list_4x4 == sizeof matrix_.ScalingList4x4);
  std::memcpy(out.scaling_list_4x4, matrix_.ScalingList4x4, sizeof out.scaling_list_4x4);
  std::memcpy(out.scaling_list_8x8, matrix_.ScalingList8x8, sizeof matrix_.ScalingList8x8);
  return out;
}

void H264Builder::fill_picture(core::H264Parameters* parameters) const {
  v4l2_ctrl_h264_decode_params& decode = parameters->decode;
  decode.flags = slice_types_;
  decode.frame_num = picture_.frame_num;
  decode.top_field_order_cnt = picture_.CurrPic.TopFieldOrderCnt;
  decode.bottom_field_order_cnt = picture_.CurrPic.BottomFieldOrderCnt;
  if (picture_.pic_fields.bits.field_pic_flag) {
    decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
    if (picture_.CurrPic.flags & VA_PICTURE_H264_BOTTOM_FIELD) {
      decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
    }
  }
}

// Whatever gaps the client leaves, the entries follow each other from the first on: some hardware
// (rkvdec) has a register for each.
void H264Builder::resolve(References& references, core::H264Parameters* parameters,
                          core::DecodeJob* job) const {
  const int32_t max_frame_num = 1 << (picture_.seq_fields.bits.log2_max_frame_num_minus4 + 4);
  for (const VAPictureH264& reference : picture_.ReferenceFrames) {
    if ((reference.flags & VA_PICTURE_H264_INVALID) || reference.picture_id == VA_INVALID_SURFACE) {
      continue;
    }
    parameters->decode.dpb[job->references.size()] = dpb_entry(
        reference, picture_.frame_num, max_frame_num, picture_.pic_fields.bits.field_pic_flag);
    job->references.push_back(references.resolve(reference.picture_id).picture);
  }
  job->references.resize(kDpbSize);
}

VAStatus H264Builder::build(References& references, std::span<const Slice> slices,
                            std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (VAStatus status = check_picture()) return status;
  core::DecodeJob& job = out->job;
  core::H264Parameters parameters;
  parameters.sps = sequence();
  parameters.pps = picture_set();
  parameters.scaling_matrix = scaling_matrix();
  fill_picture(&parameters);
  resolve(references, &parameters, &job);
  for (const Slice& slice : slices) {
    const core::ByteRange nal = without_start_code(bitstream, slice.range);
    if (nal.size == 0) continue;
    job.slices.push_back(nal);
    parameters.slice_reference_counts_minus1.push_back(reference_counts_[slice.parameters]);
  }
  if (job.slices.empty()) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "no slice of the picture holds a NAL unit");
  }
  // The NAL header (7.3.1) says what VA does not: nal_ref_idc's value and IDR.
  const uint8_t nal_header = bitstream[job.slices.front().offset];
  parameters.decode.nal_ref_idc = nal_header >> 5 & 3;
  if ((nal_header & 31) == 5) parameters.decode.flags |= V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC;

  const uint32_t flags = parameters.decode.flags;
  if (flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC) {
    out->parity = flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD ? Parity::kBottom : Parity::kTop;
  }
  job.bitstream = std::move(bitstream);
  job.parameters = std::move(parameters);
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_h264_builder(core::Profile profile) {
  return std::make_unique<H264Builder>(profile);
}

}  // namespace daedalus::va
