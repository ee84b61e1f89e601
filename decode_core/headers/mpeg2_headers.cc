#include "decode_core/headers/mpeg2_headers.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "decode_core/headers/bit_reader.h"

namespace daedalus::headers {
namespace {

// extension_start_code_identifier (table 6-2).
constexpr uint32_t kSequenceExtension = 1;
constexpr uint32_t kQuantMatrixExtension = 3;
constexpr uint32_t kSequenceScalableExtension = 5;
constexpr uint32_t kPictureCodingExtension = 8;

constexpr uint8_t kDefaultIntraMatrix[64] = {
    8,  16, 16, 19, 16, 19, 22, 22, 22, 22, 22, 22, 26, 24, 26, 27,  //
    27, 27, 26, 26, 26, 26, 27, 27, 27, 29, 29, 29, 34, 34, 34, 29,  //
    29, 29, 27, 27, 29, 29, 32, 32, 34, 34, 37, 38, 37, 35, 35, 34,  //
    35, 38, 38, 40, 40, 40, 48, 48, 46, 46, 56, 56, 58, 69, 69, 83,  //
};
constexpr uint8_t kDefaultNonIntraValue = 16;

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("MPEG-2: ") + what}; }

Error unsupported(const char* what) {
  return {ErrorCode::kUnsupported, std::string("MPEG-2: ") + what};
}

// False: a value is 0, which is forbidden, or missing.
bool read_matrix(BitReader& bits, uint8_t (&matrix)[64]) {
  for (uint8_t& value : matrix) value = static_cast<uint8_t>(bits.u(8));
  return std::find(std::begin(matrix), std::end(matrix), 0) == std::end(matrix);
}

void copy_matrix(uint8_t (&to)[64], const uint8_t (&from)[64]) {
  std::memcpy(to, from, sizeof(to));
}

}  // namespace

v4l2_ctrl_mpeg2_quantisation mpeg2_default_quantisation() {
  v4l2_ctrl_mpeg2_quantisation result{};
  copy_matrix(result.intra_quantiser_matrix, kDefaultIntraMatrix);
  copy_matrix(result.chroma_intra_quantiser_matrix, kDefaultIntraMatrix);
  std::memset(result.non_intra_quantiser_matrix, kDefaultNonIntraValue, 64);
  std::memset(result.chroma_non_intra_quantiser_matrix, kDefaultNonIntraValue, 64);
  return result;
}

bool Mpeg2Sequence::operator==(const Mpeg2Sequence& other) const {
  const v4l2_ctrl_mpeg2_sequence& a = control;
  const v4l2_ctrl_mpeg2_sequence& b = other.control;
  return a.horizontal_size == b.horizontal_size && a.vertical_size == b.vertical_size &&
         a.vbv_buffer_size == b.vbv_buffer_size &&
         a.profile_and_level_indication == b.profile_and_level_indication &&
         a.chroma_format == b.chroma_format && a.flags == b.flags &&
         aspect_ratio_information == other.aspect_ratio_information &&
         frame_rate_code == other.frame_rate_code && low_delay == other.low_delay;
}

Status Mpeg2HeaderParser::parse(const Mpeg2Unit& unit) {
  switch (unit.code()) {
    case kMpeg2SequenceHeader:
      return sequence_header(unit.payload());
    case kMpeg2Extension:
      return extension(unit.payload());
    case kMpeg2Group: {
      BitReader bits(unit.payload());
      bits.skip(25);  // time_code
      const bool closed_gop = bits.flag();
      if (bits.overrun()) return corrupt("the group of pictures header is too short");
      closed_gop_ = closed_gop;
      return {};
    }
    case kMpeg2PictureStart:
      return picture_header(unit.payload());
    default:
      return {};
  }
}

// 6.2.2.1
Status Mpeg2HeaderParser::sequence_header(std::span<const uint8_t> payload) {
  has_sequence_header_ = has_sequence_extension_ = false;
  has_picture_header_ = has_picture_extension_ = false;
  BitReader bits(payload);
  sequence_ = {};
  v4l2_ctrl_mpeg2_sequence& control = sequence_.control;
  control.horizontal_size = static_cast<uint16_t>(bits.u(12));
  control.vertical_size = static_cast<uint16_t>(bits.u(12));
  sequence_.aspect_ratio_information = static_cast<uint8_t>(bits.u(4));
  sequence_.frame_rate_code = static_cast<uint8_t>(bits.u(4));
  bits.skip(18 + 1);  // bit_rate_value, marker_bit
  control.vbv_buffer_size = bits.u(10);
  bits.skip(1);  // constrained_parameters_flag

  v4l2_ctrl_mpeg2_quantisation& matrices = quantisation_;
  matrices = mpeg2_default_quantisation();
  bool valid = true;
  if (bits.flag()) {
    valid &= read_matrix(bits, matrices.intra_quantiser_matrix);
    copy_matrix(matrices.chroma_intra_quantiser_matrix, matrices.intra_quantiser_matrix);
  }
  if (bits.flag()) {
    valid &= read_matrix(bits, matrices.non_intra_quantiser_matrix);
    copy_matrix(matrices.chroma_non_intra_quantiser_matrix, matrices.non_intra_quantiser_matrix);
  }
  if (bits.overrun()) return corrupt("the sequence header is too short");
  if (!valid) return corrupt("a quantiser matrix holds a 0");
  has_sequence_header_ = true;
  return {};
}

Status Mpeg2HeaderParser::extension(std::span<const uint8_t> payload) {
  if (payload.empty()) return corrupt("an extension is empty");
  switch (payload[0] >> 4) {
    case kSequenceExtension:
      return sequence_extension(payload);
    case kQuantMatrixExtension:
      return quant_matrix_extension(payload);
    case kPictureCodingExtension:
      return picture_coding_extension(payload);
    case kSequenceScalableExtension:
      has_sequence_header_ = has_sequence_extension_ = false;
      return unsupported("the stream is an enhancement layer of a scalable one");
    default:
      return {};
  }
}

// 6.2.2.3
Status Mpeg2HeaderParser::sequence_extension(std::span<const uint8_t> payload) {
  if (!has_sequence_header_ || has_sequence_extension_) {
    return corrupt("a sequence extension does not follow a sequence header");
  }
  BitReader bits(payload);
  v4l2_ctrl_mpeg2_sequence& control = sequence_.control;
  bits.skip(4);
  control.profile_and_level_indication = static_cast<uint16_t>(bits.u(8));
  if (bits.flag()) control.flags |= V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE;
  control.chroma_format = static_cast<uint8_t>(bits.u(2));
  control.horizontal_size |= static_cast<uint16_t>(bits.u(2) << 12);
  control.vertical_size |= static_cast<uint16_t>(bits.u(2) << 12);
  bits.skip(12 + 1);  // bit_rate_extension, marker_bit
  control.vbv_buffer_size |= bits.u(8) << 10;
  sequence_.low_delay = bits.flag();
  const bool valid = control.horizontal_size != 0 && control.vertical_size != 0 &&
                     control.chroma_format != 0 && !bits.overrun();
  has_sequence_header_ = has_sequence_extension_ = valid;
  if (!valid) return corrupt("the sequence extension is too short, or the size or format is 0");
  return {};
}

// 6.2.3.2
Status Mpeg2HeaderParser::quant_matrix_extension(std::span<const uint8_t> payload) {
  BitReader bits(payload);
  bits.skip(4);
  v4l2_ctrl_mpeg2_quantisation matrices = quantisation_;
  bool valid = true;
  if (bits.flag()) {
    valid &= read_matrix(bits, matrices.intra_quantiser_matrix);
    copy_matrix(matrices.chroma_intra_quantiser_matrix, matrices.intra_quantiser_matrix);
  }
  if (bits.flag()) {
    valid &= read_matrix(bits, matrices.non_intra_quantiser_matrix);
    copy_matrix(matrices.chroma_non_intra_quantiser_matrix, matrices.non_intra_quantiser_matrix);
  }
  if (bits.flag()) valid &= read_matrix(bits, matrices.chroma_intra_quantiser_matrix);
  if (bits.flag()) valid &= read_matrix(bits, matrices.chroma_non_intra_quantiser_matrix);
  if (bits.overrun()) return corrupt("the quant matrix extension is too short");
  if (!valid) return corrupt("a quantiser matrix holds a 0");
  quantisation_ = matrices;
  return {};
}

// 6.2.3
Status Mpeg2HeaderParser::picture_header(std::span<const uint8_t> payload) {
  has_picture_header_ = has_picture_extension_ = false;
  if (!has_sequence_header_) return corrupt("a picture comes before any sequence header");
  if (!has_sequence_extension_) {
    return unsupported("the stream is MPEG-1 (no sequence extension), which is not decoded");
  }
  BitReader bits(payload);
  picture_ = {};
  picture_.temporal_reference = static_cast<uint16_t>(bits.u(10));
  const uint32_t type = bits.u(3);
  if (bits.overrun()) return corrupt("the picture header is too short");
  if (type == V4L2_MPEG2_PIC_CODING_TYPE_D) return unsupported("D pictures");
  if (type == 0 || type > V4L2_MPEG2_PIC_CODING_TYPE_D) return corrupt("picture_coding_type");
  picture_.control.picture_coding_type = static_cast<uint8_t>(type);
  has_picture_header_ = true;
  return {};
}

// 6.2.3.1
Status Mpeg2HeaderParser::picture_coding_extension(std::span<const uint8_t> payload) {
  if (!has_picture_header_ || has_picture_extension_) {
    return corrupt("a picture coding extension does not follow a picture header");
  }
  BitReader bits(payload);
  v4l2_ctrl_mpeg2_picture& control = picture_.control;
  bits.skip(4);
  for (auto& direction : control.f_code) {
    for (uint8_t& f_code : direction) f_code = static_cast<uint8_t>(bits.u(4));
  }
  control.intra_dc_precision = static_cast<uint8_t>(bits.u(2));
  control.picture_structure = static_cast<uint8_t>(bits.u(2));
  constexpr uint32_t kFlagsInOrder[] = {
      V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST, V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT,
      V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV,  V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE,
      V4L2_MPEG2_PIC_FLAG_INTRA_VLC,       V4L2_MPEG2_PIC_FLAG_ALT_SCAN,
      V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST,
  };
  for (const uint32_t flag : kFlagsInOrder) {
    if (bits.flag()) control.flags |= flag;
  }
  bits.skip(1);  // chroma_420_type
  if (bits.flag()) control.flags |= V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;
  if (bits.overrun() || control.picture_structure == 0) {
    has_picture_header_ = false;
    return corrupt("the picture coding extension is too short, or picture_structure is 0");
  }
  if (sequence_.control.flags & V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE) {
    control.flags |= V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;  // 6.3.5
  }
  if (control.flags & V4L2_MPEG2_PIC_FLAG_PROGRESSIVE) {
    control.picture_structure = V4L2_MPEG2_PIC_FRAME;  // 6.3.10
  }
  has_picture_extension_ = true;
  return {};
}

}  // namespace daedalus::headers
