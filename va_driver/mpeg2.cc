// MPEG-2: VAPictureParameterBufferMPEG2 and its kin as the kernel's control structures.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "va_driver/job_builder.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

// Zigzag scan order (ISO 13818-2 figure 7-2): raster index of each position.
constexpr std::array<uint8_t, 64> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// The default matrix of intra blocks (6.3.11), in raster order. That of the others is all 16.
constexpr std::array<uint8_t, 64> kDefaultIntraMatrix = {
    8,  16, 19, 22, 26, 27, 29, 34, 16, 16, 22, 24, 27, 29, 34, 37, 19, 22, 26, 27, 29, 34,
    34, 38, 22, 22, 26, 27, 29, 34, 37, 40, 22, 26, 27, 29, 32, 35, 40, 48, 26, 27, 29, 32,
    35, 40, 48, 58, 26, 27, 29, 34, 38, 46, 56, 69, 27, 29, 35, 38, 46, 56, 69, 83};

// profile_and_level_indication (8.1): VA does not carry the level, so High, which allows the most.
constexpr uint16_t kSimpleAtMain = 0x58;
constexpr uint16_t kMainAtHigh = 0x44;

v4l2_ctrl_mpeg2_quantisation default_quantisation() {
  v4l2_ctrl_mpeg2_quantisation out;
  std::memset(&out, 16, sizeof out);
  for (size_t i = 0; i < 64; ++i) {
    out.intra_quantiser_matrix[i] = kDefaultIntraMatrix[kZigzag[i]];
    out.chroma_intra_quantiser_matrix[i] = kDefaultIntraMatrix[kZigzag[i]];
  }
  return out;
}

class Mpeg2Builder : public JobBuilder {
 public:
  explicit Mpeg2Builder(core::Profile profile)
      : JobBuilder({sizeof(VAPictureParameterBufferMPEG2), sizeof(VAIQMatrixBufferMPEG2), 0,
                    sizeof(VASliceParameterBufferMPEG2)}),
        profile_(profile),
        quantisation_(default_quantisation()) {}

 private:
  void reset() override { last_row_ = 0; }
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t* parameters) override;
  void take_probability(const uint8_t*) override {}
  void take_slice(const uint8_t* parameters) override {
    VASliceParameterBufferMPEG2 slice;
    std::memcpy(&slice, parameters, sizeof slice);
    last_row_ = std::max(last_row_, slice.slice_vertical_position);
  }

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  VAStatus check_picture() const;
  bool progressive_sequence();
  v4l2_ctrl_mpeg2_picture picture() const;

  const core::Profile profile_;
  VAPictureParameterBufferMPEG2 picture_{};
  v4l2_ctrl_mpeg2_quantisation quantisation_;  // in force; what is not loaded stays
  uint32_t last_row_ = 0;                      // of macroblocks that a slice begins in
  // progressive_sequence as concluded for sequences of this height.
  std::optional<bool> progressive_;
  uint32_t progressive_height_ = 0;
};

void Mpeg2Builder::take_iq_matrix(const uint8_t* parameters) {
  VAIQMatrixBufferMPEG2 matrix;
  std::memcpy(&matrix, parameters, sizeof matrix);
  const auto load = [](int32_t loaded, const uint8_t(&from)[64], __u8(&to)[64]) {
    if (loaded) std::memcpy(to, from, 64);
  };
  // A new luma matrix is one for chroma too until that has its own (6.3.11).
  load(matrix.load_intra_quantiser_matrix, matrix.intra_quantiser_matrix,
       quantisation_.intra_quantiser_matrix);
  load(matrix.load_intra_quantiser_matrix, matrix.intra_quantiser_matrix,
       quantisation_.chroma_intra_quantiser_matrix);
  load(matrix.load_non_intra_quantiser_matrix, matrix.non_intra_quantiser_matrix,
       quantisation_.non_intra_quantiser_matrix);
  load(matrix.load_non_intra_quantiser_matrix, matrix.non_intra_quantiser_matrix,
       quantisation_.chroma_non_intra_quantiser_matrix);
  load(matrix.load_chroma_intra_quantiser_matrix, matrix.chroma_intra_quantiser_matrix,
       quantisation_.chroma_intra_quantiser_matrix);
  load(matrix.load_chroma_non_intra_quantiser_matrix, matrix.chroma_non_intra_quantiser_matrix,
       quantisation_.chroma_non_intra_quantiser_matrix);
}

VAStatus Mpeg2Builder::check_picture() const {
  const auto& bits = picture_.picture_coding_extension.bits;
  if (picture_.horizontal_size == 0 || picture_.vertical_size == 0 ||
      picture_.horizontal_size > core::kMaxDimension ||
      picture_.vertical_size > core::kMaxDimension) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED, "MPEG-2 of %ux%u",
                  picture_.horizontal_size, picture_.vertical_size);
  }
  if (picture_.picture_coding_type < V4L2_MPEG2_PIC_CODING_TYPE_I ||
      picture_.picture_coding_type > V4L2_MPEG2_PIC_CODING_TYPE_B || bits.picture_structure == 0) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                  "MPEG-2 picture_coding_type %d, picture_structure %u",
                  picture_.picture_coding_type, bits.picture_structure);
  }
  return VA_STATUS_SUCCESS;
}

// VA does not carry progressive_sequence, which decides whether the number of macroblock rows is
// even (6.3.3). Where that makes a difference, the first picture's slices show it.
bool Mpeg2Builder::progressive_sequence() {
  const uint32_t rows = (picture_.vertical_size + 15u) / 16;
  if (rows % 2 == 0) return false;
  const auto& bits = picture_.picture_coding_extension.bits;
  const bool possible =
      bits.picture_structure == V4L2_MPEG2_PIC_FRAME && bits.progressive_frame && last_row_ < rows;
  if (!progressive_ || progressive_height_ != picture_.vertical_size || !possible) {
    progressive_ = possible;
    progressive_height_ = picture_.vertical_size;
  }
  return *progressive_;
}

v4l2_ctrl_mpeg2_picture Mpeg2Builder::picture() const {
  const auto& bits = picture_.picture_coding_extension.bits;
  v4l2_ctrl_mpeg2_picture out{};
  out.picture_coding_type = static_cast<uint8_t>(picture_.picture_coding_type);
  out.picture_structure = bits.picture_structure;
  out.intra_dc_precision = bits.intra_dc_precision;
  // Four codes of four bits, f_code[0][0] in the highest.
  for (int i = 0; i < 4; ++i) {
    out.f_code[i / 2][i % 2] = static_cast<uint32_t>(picture_.f_code) >> (12 - 4 * i) & 15;
  }
  const auto flag = [&](bool set, uint32_t value) {
    if (set) out.flags |= value;
  };
  flag(bits.top_field_first, V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  flag(bits.frame_pred_frame_dct, V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT);
  flag(bits.concealment_motion_vectors, V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV);
  flag(bits.q_scale_type, V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE);
  flag(bits.intra_vlc_format, V4L2_MPEG2_PIC_FLAG_INTRA_VLC);
  flag(bits.alternate_scan, V4L2_MPEG2_PIC_FLAG_ALT_SCAN);
  flag(bits.repeat_first_field, V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST);
  flag(bits.progressive_frame, V4L2_MPEG2_PIC_FLAG_PROGRESSIVE);
  return out;
}

VAStatus Mpeg2Builder::build(References& references, std::span<const Slice> slices,
                             std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (VAStatus status = check_picture()) return status;
  core::Mpeg2Parameters parameters;
  parameters.sequence.horizontal_size = picture_.horizontal_size;
  parameters.sequence.vertical_size = picture_.vertical_size;
  parameters.sequence.profile_and_level_indication =
      profile_ == core::Profile::kMpeg2Simple ? kSimpleAtMain : kMainAtHigh;
  parameters.sequence.chroma_format = 1;  // 4:2:0
  if (progressive_sequence()) parameters.sequence.flags |= V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE;
  parameters.picture = picture();
  parameters.quantisation = quantisation_;

  core::DecodeJob& job = out->job;
  const bool predicted = picture_.picture_coding_type != V4L2_MPEG2_PIC_CODING_TYPE_I;
  const bool bidirectional = picture_.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B;
  job.references.resize(2);
  if (predicted) {
    job.references[0] = references.resolve(picture_.forward_reference_picture).picture;
  }
  if (bidirectional) {
    job.references[1] = references.resolve(picture_.backward_reference_picture).picture;
  }
  switch (parameters.picture.picture_structure) {
    case V4L2_MPEG2_PIC_TOP_FIELD:
      out->parity = Parity::kTop;
      break;
    case V4L2_MPEG2_PIC_BOTTOM_FIELD:
      out->parity = Parity::kBottom;
      break;
    default:
      break;
  }
  for (const Slice& slice : slices) job.slices.push_back(slice.range);
  job.bitstream = std::move(bitstream);
  job.parameters = parameters;
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_mpeg2_builder(core::Profile profile) {
  return std::make_unique<Mpeg2Builder>(profile);
}

}  // namespace daedalus::va
