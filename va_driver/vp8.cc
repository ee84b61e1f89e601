// VP8: the frame in front of the engine begins with its frame tag (RFC 6386 9.1), which VA does not
// carry and which FFmpeg strips; it is written anew from the parameters.
#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/headers/vp8_frame_header.h"
#include "decode_core/headers/vp8_frame_tag.h"
#include "va_driver/job_builder.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

using headers::Vp8FrameTag;

// Kept with each decoded surface.
struct Vp8State : ChainState {
  headers::Vp8HeaderParser parser;  // after this frame
};

class Vp8Builder : public JobBuilder {
 public:
  Vp8Builder()
      : JobBuilder({sizeof(VAPictureParameterBufferVP8), sizeof(VAIQMatrixBufferVP8),
                    sizeof(VAProbabilityDataBufferVP8), sizeof(VASliceParameterBufferVP8)},
                   SliceSize::kBehindOffsetOrWholeBuffer) {}

 private:
  void reset() override {
    matrix_ = {};
    probabilities_ = {};
  }
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t* parameters) override {
    std::memcpy(&matrix_, parameters, sizeof matrix_);
  }
  void take_probability(const uint8_t* parameters) override {
    std::memcpy(&probabilities_, parameters, sizeof probabilities_);
  }
  void take_slice(const uint8_t* parameters) override {
    std::memcpy(&slice_, parameters, sizeof slice_);
  }

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  bool key_frame() const { return !picture_.pic_fields.bits.key_frame; }
  VAStatus check(size_t frame_size, uint32_t first_part_size) const;
  std::vector<uint8_t> frame_tag(uint32_t first_part_size) const;
  v4l2_ctrl_vp8_frame client_parameters(uint32_t first_part_size) const;
  v4l2_ctrl_vp8_frame parameters(std::span<const uint8_t> frame, uint32_t first_part_size,
                                 const ChainState* last_reference, BuiltJob* out);
  void fill_filter_and_quantiser(v4l2_ctrl_vp8_frame* frame) const;

  VAPictureParameterBufferVP8 picture_{};
  VAIQMatrixBufferVP8 matrix_{};
  VAProbabilityDataBufferVP8 probabilities_{};
  VASliceParameterBufferVP8 slice_{};
  std::shared_ptr<const Vp8State> last_;  // of the context's last frame
};

VAStatus Vp8Builder::check(size_t frame_size, uint32_t first_part_size) const {
  constexpr uint32_t kMax = std::min<uint32_t>(core::kMaxDimension, Vp8FrameTag::kMaxDimension);
  if (picture_.frame_width == 0 || picture_.frame_height == 0 || picture_.frame_width > kMax ||
      picture_.frame_height > kMax) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED, "VP8 of %ux%u", picture_.frame_width,
                  picture_.frame_height);
  }
  if (first_part_size == 0 || first_part_size > Vp8FrameTag::kMaxFirstPartSize ||
      first_part_size > frame_size) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                  "VP8: a first partition of %u bytes in a frame of %zu", first_part_size,
                  frame_size);
  }
  const uint32_t partitions = slice_.num_of_partitions;
  if (partitions < 2 || partitions > 9 || ((partitions - 1) & (partitions - 2)) != 0) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "VP8: %u partitions; 2, 3, 5 or 9 can be",
                  partitions);
  }
  return VA_STATUS_SUCCESS;
}

// show_frame is not known: 1. Nor is the upscaling hint, which decodes to nothing: 0.
std::vector<uint8_t> Vp8Builder::frame_tag(uint32_t first_part_size) const {
  Vp8FrameTag tag;
  tag.key_frame = key_frame();
  tag.version = picture_.pic_fields.bits.version;
  tag.first_part_size = first_part_size;
  tag.width = static_cast<uint16_t>(picture_.frame_width);
  tag.height = static_cast<uint16_t>(picture_.frame_height);
  const auto bytes = headers::write_vp8_frame_tag(tag);
  return {bytes.begin(), bytes.begin() + tag.bytes()};
}

void Vp8Builder::fill_filter_and_quantiser(v4l2_ctrl_vp8_frame* frame) const {
  const auto& bits = picture_.pic_fields.bits;
  const auto clip = [](int value, int low, int high) {
    return static_cast<int8_t>(std::clamp(value, low, high));
  };
  // VA has the values of each segment, sums done: absolute ones for the kernel.
  for (int i = 0; i < 4; ++i) {
    frame->segment.quant_update[i] = clip(matrix_.quantization_index[i][0], 0, 127);
    frame->segment.lf_update[i] = clip(picture_.loop_filter_level[i], 0, 63);
    frame->lf.ref_frm_delta[i] = picture_.loop_filter_deltas_ref_frame[i];
    frame->lf.mb_mode_delta[i] = picture_.loop_filter_deltas_mode[i];
  }
  std::copy_n(picture_.mb_segment_tree_probs, 3, frame->segment.segment_probs);
  if (bits.segmentation_enabled) frame->segment.flags |= V4L2_VP8_SEGMENT_FLAG_ENABLED;
  if (bits.update_mb_segmentation_map) frame->segment.flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP;
  if (bits.update_segment_feature_data) {
    frame->segment.flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA;
  }

  frame->lf.sharpness_level = bits.sharpness_level;
  frame->lf.level = picture_.loop_filter_level[0];
  if (bits.loop_filter_adj_enable) frame->lf.flags |= V4L2_VP8_LF_ADJ_ENABLE;
  if (bits.mode_ref_lf_delta_update) frame->lf.flags |= V4L2_VP8_LF_DELTA_UPDATE;
  if (bits.filter_type) frame->lf.flags |= V4L2_VP8_LF_FILTER_TYPE_SIMPLE;

  // Order of VA's indices: yac, ydc, y2dc, y2ac, uvdc, uvac.
  const uint16_t(&index)[6] = matrix_.quantization_index[0];
  const auto delta = [&](int i) { return clip(int{index[i]} - int{index[0]}, -15, 15); };
  frame->quant.y_ac_qi = static_cast<uint8_t>(clip(index[0], 0, 127));
  frame->quant.y_dc_delta = delta(1);
  frame->quant.y2_dc_delta = delta(2);
  frame->quant.y2_ac_delta = delta(3);
  frame->quant.uv_dc_delta = delta(4);
  frame->quant.uv_ac_delta = delta(5);
}

// What VA carries: sums where the bitstream has parts.
v4l2_ctrl_vp8_frame Vp8Builder::client_parameters(uint32_t first_part_size) const {
  const auto& bits = picture_.pic_fields.bits;
  v4l2_ctrl_vp8_frame frame{};
  fill_filter_and_quantiser(&frame);

  static_assert(sizeof frame.entropy.coeff_probs == sizeof probabilities_.dct_coeff_probs);
  std::memcpy(frame.entropy.coeff_probs, probabilities_.dct_coeff_probs,
              sizeof frame.entropy.coeff_probs);
  std::copy_n(picture_.y_mode_probs, 4, frame.entropy.y_mode_probs);
  std::copy_n(picture_.uv_mode_probs, 3, frame.entropy.uv_mode_probs);
  std::memcpy(frame.entropy.mv_probs, picture_.mv_probs, sizeof picture_.mv_probs);
  frame.coder_state.range = picture_.bool_coder_ctx.range;
  frame.coder_state.value = picture_.bool_coder_ctx.value;
  frame.coder_state.bit_count = picture_.bool_coder_ctx.count;

  frame.width = static_cast<uint16_t>(picture_.frame_width);
  frame.height = static_cast<uint16_t>(picture_.frame_height);
  frame.version = bits.version;
  frame.prob_skip_false = picture_.prob_skip_false;
  frame.prob_intra = picture_.prob_intra;
  frame.prob_last = picture_.prob_last;
  frame.prob_gf = picture_.prob_gf;
  frame.num_dct_parts = static_cast<uint8_t>(slice_.num_of_partitions - 1);
  frame.first_part_size = first_part_size;
  frame.first_part_header_bits = slice_.macroblock_offset;
  for (int i = 0; i < frame.num_dct_parts; ++i) {
    frame.dct_part_sizes[i] = slice_.partition_size[i + 1];
  }
  frame.flags = V4L2_VP8_FRAME_FLAG_SHOW_FRAME;
  if (key_frame()) frame.flags |= V4L2_VP8_FRAME_FLAG_KEY_FRAME;
  if (bits.mb_no_coeff_skip) frame.flags |= V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF;
  if (bits.sign_bias_golden) frame.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN;
  if (bits.sign_bias_alternate) frame.flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT;
  return frame;
}

// The frame's own header; where it is damaged, or the chain began before our time, the client's
// view of it.
v4l2_ctrl_vp8_frame Vp8Builder::parameters(std::span<const uint8_t> frame, uint32_t first_part_size,
                                           const ChainState* last_reference, BuiltJob* out) {
  const Vp8State* before = last_.get();
  if (!before) before = dynamic_cast<const Vp8State*>(last_reference);
  auto state = before ? std::make_shared<Vp8State>(*before) : std::make_shared<Vp8State>();
  const auto header = state->parser.parse(frame);
  if (!header.ok()) return client_parameters(first_part_size);
  state->parser.update(*header);
  out->state = last_ = std::move(state);
  return header->frame;
}

VAStatus Vp8Builder::build(References& references, std::span<const Slice> slices,
                           std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (slices.size() != 1) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a VP8 frame in %zu slices", slices.size());
  }
  // partition_size[0] is what remains of the first partition behind the byte that macroblock_offset
  // ends in; that is in bits from its beginning.
  const core::ByteRange data = slices.front().range;
  const uint64_t first_part =
      uint64_t{slice_.partition_size[0]} + (uint64_t{slice_.macroblock_offset} + 7) / 8;
  const auto first_part_size =
      static_cast<uint32_t>(std::min<uint64_t>(first_part, Vp8FrameTag::kMaxFirstPartSize + 1));
  if (VAStatus status = check(data.size, first_part_size)) return status;

  core::DecodeJob& job = out->job;
  job.bitstream = frame_tag(first_part_size);
  job.bitstream.insert(job.bitstream.end(), bitstream.begin() + data.offset,
                       bitstream.begin() + data.offset + data.size);
  job.slices.push_back({0, static_cast<uint32_t>(job.bitstream.size())});
  job.references.resize(3);
  Reference last;
  if (!key_frame()) {
    last = references.resolve(picture_.last_ref_frame);
    job.references[0] = last.picture;
    job.references[1] = references.resolve(picture_.golden_ref_frame).picture;
    job.references[2] = references.resolve(picture_.alt_ref_frame).picture;
  }
  job.parameters =
      core::Vp8Parameters{parameters(job.bitstream, first_part_size, last.state.get(), out)};
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_vp8_builder() { return std::make_unique<Vp8Builder>(); }

}  // namespace daedalus::va
