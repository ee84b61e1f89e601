#include <algorithm>
#include <array>
#include <cstring>

#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

constexpr size_t kKeyFrameTagSize = 10;  // RFC 6386 9.1
constexpr size_t kInterFrameTagSize = 3;
constexpr int kMaxQuantiserIndex = 127;
constexpr int kMaxFilterLevel = 63;

// Key frames use fixed mode probabilities (RFC 6386 11.2, 11.3: kf_ymode_prob, kf_uv_mode_prob).
constexpr std::array<uint8_t, 4> kKeyFrameYModeProbs = {145, 156, 163, 128};
constexpr std::array<uint8_t, 3> kKeyFrameUvModeProbs = {142, 114, 183};

class Vp8Translation {
 public:
  Vp8Translation(const core::DecodeJob& job, const SurfaceOf& surface_of)
      : job_(job),
        f_(std::get<core::Vp8Parameters>(job.parameters).frame),
        surface_of_(surface_of) {}

  Result<PictureBuffers> run(bool whole_frame) {
    const std::span<const uint8_t> frame = job_.bytes_of(job_.slices.front());
    const size_t tag = key_frame() ? kKeyFrameTagSize : kInterFrameTagSize;
    if (frame.size() <= tag) return Error{ErrorCode::kCorrupt, "VP8 frame: only a frame tag"};
    const std::span<const uint8_t> data = whole_frame ? frame : frame.subspan(tag);
    VASliceParameterBufferVP8 slice = slice_parameters();
    slice.slice_data_size = static_cast<uint32_t>(data.size());
    slice.slice_data_offset = whole_frame ? static_cast<uint32_t>(tag) : 0;

    PictureBuffers buffers;
    buffers.picture.push_back(
        ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters()));
    buffers.picture.push_back(ParameterBuffer::of(VAProbabilityBufferType, probabilities()));
    buffers.picture.push_back(ParameterBuffer::of(VAIQMatrixBufferType, quantisers()));
    buffers.slices.push_back(ParameterBuffer::of(VASliceParameterBufferType, slice));
    buffers.slices.push_back(ParameterBuffer::of_data(data));
    return buffers;
  }

 private:
  bool key_frame() const { return (f_.flags & V4L2_VP8_FRAME_FLAG_KEY_FRAME) != 0; }
  bool frame_flag(uint64_t bit) const { return (f_.flags & bit) != 0; }
  bool segmented() const { return (f_.segment.flags & V4L2_VP8_SEGMENT_FLAG_ENABLED) != 0; }
  bool segment_delta() const {
    return (f_.segment.flags & V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE) != 0;
  }
  VASurfaceID reference(size_t i) const {
    return i < job_.references.size() ? surface_of_(job_.references[i]) : VA_INVALID_SURFACE;
  }
  // A segment's value from the frame's and its own (RFC 6386 9.3, 9.6).
  int of_segment(int frame_value, int segment_value, int maximum) const {
    int value = frame_value;
    if (segmented()) value = segment_delta() ? frame_value + segment_value : segment_value;
    return std::clamp(value, 0, maximum);
  }

  VAPictureParameterBufferVP8 picture_parameters() const {
    VAPictureParameterBufferVP8 v{};
    v.frame_width = f_.width;
    v.frame_height = f_.height;
    v.last_ref_frame = reference(0);
    v.golden_ref_frame = reference(1);
    v.alt_ref_frame = reference(2);
    v.out_of_loop_frame = VA_INVALID_SURFACE;
    fill_picture_fields(v);
    std::copy_n(f_.segment.segment_probs, 3, v.mb_segment_tree_probs);
    for (int i = 0; i < 4; ++i) {
      v.loop_filter_level[i] =
          static_cast<uint8_t>(of_segment(f_.lf.level, f_.segment.lf_update[i], kMaxFilterLevel));
    }
    std::copy_n(f_.lf.ref_frm_delta, 4, v.loop_filter_deltas_ref_frame);
    std::copy_n(f_.lf.mb_mode_delta, 4, v.loop_filter_deltas_mode);
    v.prob_skip_false = f_.prob_skip_false;
    v.prob_intra = f_.prob_intra;
    v.prob_last = f_.prob_last;
    v.prob_gf = f_.prob_gf;
    std::copy_n(key_frame() ? kKeyFrameYModeProbs.data() : f_.entropy.y_mode_probs, 4,
                v.y_mode_probs);
    std::copy_n(key_frame() ? kKeyFrameUvModeProbs.data() : f_.entropy.uv_mode_probs, 3,
                v.uv_mode_probs);
    static_assert(sizeof(v.mv_probs) == sizeof(f_.entropy.mv_probs));
    std::memcpy(v.mv_probs, f_.entropy.mv_probs, sizeof(v.mv_probs));
    v.bool_coder_ctx.range = f_.coder_state.range;
    v.bool_coder_ctx.value = f_.coder_state.value;
    v.bool_coder_ctx.count = f_.coder_state.bit_count;
    return v;
  }

  void fill_picture_fields(VAPictureParameterBufferVP8& v) const {
    auto& b = v.pic_fields.bits;
    b.key_frame = !key_frame();
    b.version = f_.version;
    b.segmentation_enabled = segmented();
    b.update_mb_segmentation_map = (f_.segment.flags & V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP) != 0;
    b.update_segment_feature_data =
        (f_.segment.flags & V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA) != 0;
    b.filter_type = (f_.lf.flags & V4L2_VP8_LF_FILTER_TYPE_SIMPLE) != 0;
    b.sharpness_level = f_.lf.sharpness_level;
    b.loop_filter_adj_enable = (f_.lf.flags & V4L2_VP8_LF_ADJ_ENABLE) != 0;
    b.mode_ref_lf_delta_update = (f_.lf.flags & V4L2_VP8_LF_DELTA_UPDATE) != 0;
    b.sign_bias_golden = frame_flag(V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN);
    b.sign_bias_alternate = frame_flag(V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT);
    b.mb_no_coeff_skip = frame_flag(V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF);
    b.loop_filter_disable = f_.lf.level == 0;
  }

  VAProbabilityDataBufferVP8 probabilities() const {
    VAProbabilityDataBufferVP8 v{};
    static_assert(sizeof(v.dct_coeff_probs) == sizeof(f_.entropy.coeff_probs));
    std::memcpy(v.dct_coeff_probs, f_.entropy.coeff_probs, sizeof(v.dct_coeff_probs));
    return v;
  }

  VAIQMatrixBufferVP8 quantisers() const {
    VAIQMatrixBufferVP8 v{};
    const v4l2_vp8_quantization& q = f_.quant;
    const std::array<int, 6> delta = {
        0, q.y_dc_delta, q.y2_dc_delta, q.y2_ac_delta, q.uv_dc_delta, q.uv_ac_delta};
    for (int segment = 0; segment < 4; ++segment) {
      int base = q.y_ac_qi;
      if (segmented()) {
        base = segment_delta() ? base + f_.segment.quant_update[segment]
                               : f_.segment.quant_update[segment];
      }
      for (size_t i = 0; i < delta.size(); ++i) {
        v.quantization_index[segment][i] =
            static_cast<uint16_t>(std::clamp(base + delta[i], 0, kMaxQuantiserIndex));
      }
    }
    return v;
  }

  // All but where the data lie. macroblock_offset counts from behind the frame tag.
  VASliceParameterBufferVP8 slice_parameters() const {
    VASliceParameterBufferVP8 v{};
    v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
    v.macroblock_offset = f_.first_part_header_bits;
    v.num_of_partitions = static_cast<uint8_t>(std::min<int>(f_.num_dct_parts, 8) + 1);
    v.partition_size[0] = f_.first_part_size - (f_.first_part_header_bits + 7) / 8;
    std::copy_n(f_.dct_part_sizes, 8, v.partition_size + 1);
    return v;
  }

  const core::DecodeJob& job_;
  const v4l2_ctrl_vp8_frame& f_;
  const SurfaceOf& surface_of_;
};

}  // namespace

Result<PictureBuffers> vp8_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of,
                                   bool whole_frame) {
  return Vp8Translation(job, surface_of).run(whole_frame);
}

}  // namespace daedalus::va_client
