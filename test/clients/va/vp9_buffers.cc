#include <algorithm>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

constexpr uint32_t kFrameMarker = 2;
constexpr int kMaxFilterLevel = 63;

class Vp9Translation {
 public:
  Vp9Translation(const core::DecodeJob& job, const Vp9References& references,
                 std::span<const std::shared_ptr<core::Picture>, 8> slots,
                 const SurfaceOf& surface_of)
      : job_(job),
        f_(std::get<core::Vp9Parameters>(job.parameters).frame),
        references_(references),
        slots_(slots),
        surface_of_(surface_of) {}

  PictureBuffers run() {
    const std::span<const uint8_t> frame = job_.bytes_of(job_.slices.front());
    PictureBuffers buffers;
    buffers.picture.push_back(
        ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters()));
    buffers.slices.push_back(
        ParameterBuffer::of(VASliceParameterBufferType, slice_parameters(frame.size())));
    buffers.slices.push_back(ParameterBuffer::of_data(frame));
    return buffers;
  }

 private:
  bool flag(uint32_t bit) const { return (f_.flags & bit) != 0; }
  bool segmentation(uint32_t bit) const { return (f_.seg.flags & bit) != 0; }
  bool sign_bias(uint32_t bit) const { return (f_.ref_frame_sign_bias & bit) != 0; }

  VADecPictureParameterBufferVP9 picture_parameters() const {
    VADecPictureParameterBufferVP9 v{};
    v.frame_width = static_cast<uint16_t>(f_.frame_width_minus_1 + 1U);
    v.frame_height = static_cast<uint16_t>(f_.frame_height_minus_1 + 1U);
    for (size_t i = 0; i < slots_.size(); ++i) v.reference_frames[i] = surface_of_(slots_[i]);
    fill_picture_fields(v);
    v.filter_level = f_.lf.level;
    v.sharpness_level = f_.lf.sharpness;
    v.log2_tile_rows = f_.tile_rows_log2;
    v.log2_tile_columns = f_.tile_cols_log2;
    v.frame_header_length_in_bytes = static_cast<uint8_t>(f_.uncompressed_header_size);
    v.first_partition_size = f_.compressed_header_size;
    std::copy_n(f_.seg.tree_probs, 7, v.mb_segment_tree_probs);
    std::fill_n(v.segment_pred_probs, 3, 255);
    if (segmentation(V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE))
      std::copy_n(f_.seg.pred_probs, 3, v.segment_pred_probs);
    v.profile = f_.profile;
    v.bit_depth = f_.bit_depth;
    return v;
  }

  void fill_picture_fields(VADecPictureParameterBufferVP9& v) const {
    auto& b = v.pic_fields.bits;
    b.subsampling_x = flag(V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING);
    b.subsampling_y = flag(V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING);
    b.frame_type = !flag(V4L2_VP9_FRAME_FLAG_KEY_FRAME);
    b.show_frame = flag(V4L2_VP9_FRAME_FLAG_SHOW_FRAME);
    b.error_resilient_mode = flag(V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT);
    b.intra_only = flag(V4L2_VP9_FRAME_FLAG_INTRA_ONLY);
    b.allow_high_precision_mv = flag(V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV);
    b.mcomp_filter_type = f_.interpolation_filter;
    b.frame_parallel_decoding_mode = flag(V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE);
    b.reset_frame_context = f_.reset_frame_context;
    b.refresh_frame_context = flag(V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX);
    b.frame_context_idx = f_.frame_context_idx;
    b.segmentation_enabled = segmentation(V4L2_VP9_SEGMENTATION_FLAG_ENABLED);
    b.segmentation_temporal_update = segmentation(V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE);
    b.segmentation_update_map = segmentation(V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP);
    b.last_ref_frame = references_.slot[0];
    b.last_ref_frame_sign_bias = sign_bias(V4L2_VP9_SIGN_BIAS_LAST);
    b.golden_ref_frame = references_.slot[1];
    b.golden_ref_frame_sign_bias = sign_bias(V4L2_VP9_SIGN_BIAS_GOLDEN);
    b.alt_ref_frame = references_.slot[2];
    b.alt_ref_frame_sign_bias = sign_bias(V4L2_VP9_SIGN_BIAS_ALT);
    b.lossless_flag = f_.quant.base_q_idx == 0 && f_.quant.delta_q_y_dc == 0 &&
                      f_.quant.delta_q_uv_dc == 0 && f_.quant.delta_q_uv_ac == 0;
  }

  VASliceParameterBufferVP9 slice_parameters(size_t size) const {
    VASliceParameterBufferVP9 v{};
    v.slice_data_size = static_cast<uint32_t>(size);
    v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
    for (int segment = 0; segment < 8; ++segment) fill_segment(segment, v.seg_param[segment]);
    return v;
  }

  bool feature(int segment, int id) const {
    return segmentation(V4L2_VP9_SEGMENTATION_FLAG_ENABLED) &&
           (f_.seg.feature_enabled[segment] & V4L2_VP9_SEGMENT_FEATURE_ENABLED(id)) != 0;
  }

  // The quantiser scales stay 0: they are a function of the header that every driver has.
  void fill_segment(int segment, VASegmentParameterVP9& v) const {
    auto& fields = v.segment_flags.fields;
    fields.segment_reference_enabled = feature(segment, V4L2_VP9_SEG_LVL_REF_FRAME);
    if (fields.segment_reference_enabled) {
      fields.segment_reference =
          static_cast<uint16_t>(f_.seg.feature_data[segment][V4L2_VP9_SEG_LVL_REF_FRAME] & 3);
    }
    fields.segment_reference_skipped = feature(segment, V4L2_VP9_SEG_LVL_SKIP);
    for (int reference = 0; reference < 4; ++reference) {
      for (int mode = 0; mode < 2; ++mode)
        v.filter_level[reference][mode] = filter_level(segment, reference, mode);
    }
  }

  // VP9 8.8.1
  uint8_t filter_level(int segment, int reference, int mode) const {
    int level = f_.lf.level;
    if (feature(segment, V4L2_VP9_SEG_LVL_ALT_L)) {
      const int value = f_.seg.feature_data[segment][V4L2_VP9_SEG_LVL_ALT_L];
      level = segmentation(V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE) ? value : level + value;
      level = std::clamp(level, 0, kMaxFilterLevel);
    }
    if (f_.lf.flags & V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED) {
      const int scale = 1 << (level >> 5);
      level += f_.lf.ref_deltas[reference] * scale;
      if (reference != 0) level += f_.lf.mode_deltas[mode] * scale;
      level = std::clamp(level, 0, kMaxFilterLevel);
    }
    return static_cast<uint8_t>(level);
  }

  const core::DecodeJob& job_;
  const v4l2_ctrl_vp9_frame& f_;
  const Vp9References& references_;
  const std::span<const std::shared_ptr<core::Picture>, 8> slots_;
  const SurfaceOf& surface_of_;
};

}  // namespace

Result<Vp9References> read_vp9_references(std::span<const uint8_t> frame) {
  clients::BitReader reader(frame);
  if (reader.bits(2) != kFrameMarker) return Error{ErrorCode::kCorrupt, "VP9: no frame marker"};
  const uint32_t profile_low = reader.bits(1);
  const uint32_t profile = reader.bits(1) << 1 | profile_low;
  if (profile == 3) reader.bits(1);
  if (reader.flag()) return Error{ErrorCode::kCorrupt, "VP9: a show_existing_frame header"};
  const bool key_frame = !reader.flag();
  const bool show_frame = reader.flag();
  const bool error_resilient = reader.flag();
  Vp9References references;
  if (key_frame) {
    references.refresh_frame_flags = 0xff;
    return references;
  }
  const bool intra_only = !show_frame && reader.flag();
  if (!error_resilient) reader.bits(2);  // reset_frame_context
  if (intra_only) {
    reader.bits(24);  // frame_sync_code
    if (profile >= 2) reader.bits(1);
    if (profile > 0) {  // color_config()
      const bool rgb = reader.bits(3) == 7;
      if (!rgb) reader.bits(1);
      if (profile % 2) reader.bits(rgb ? 1 : 3);
    }
  }
  references.refresh_frame_flags = static_cast<uint8_t>(reader.bits(8));
  if (!intra_only) {
    for (uint8_t& slot : references.slot) {
      slot = static_cast<uint8_t>(reader.bits(3));
      reader.bits(1);  // ref_frame_sign_bias
    }
  }
  if (reader.exhausted()) return Error{ErrorCode::kCorrupt, "VP9: truncated header"};
  return references;
}

Result<PictureBuffers> vp9_buffers(const core::DecodeJob& job,
                                   std::span<const std::shared_ptr<core::Picture>, 8> slots,
                                   const SurfaceOf& surface_of) {
  const Result<Vp9References> references = read_vp9_references(job.bytes_of(job.slices.front()));
  if (!references) return references.error();
  return Vp9Translation(job, *references, slots, surface_of).run();
}

}  // namespace daedalus::va_client
