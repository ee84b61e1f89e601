#include "decode_core/software/libavcodec/rewrite/mpeg2_headers.h"

#include <span>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite {
namespace {

// Start codes (6.2.1, table 6-1) and extension identifiers (table 6-2).
constexpr uint8_t kPictureStart = 0x00;
constexpr uint8_t kSequenceHeader = 0xb3;
constexpr uint8_t kExtensionStart = 0xb5;
constexpr uint8_t kGroupStart = 0xb8;
constexpr uint32_t kSequenceExtension = 1;
constexpr uint32_t kQuantMatrixExtension = 3;
constexpr uint32_t kPictureCodingExtension = 8;
constexpr uint32_t kMainProfileHighLevel = 0x44;

void append_unit(uint8_t start_code, BitWriter& bits, std::vector<uint8_t>& out) {
  bits.align_zero();
  out.insert(out.end(), {0, 0, 1, start_code});
  out.insert(out.end(), bits.bytes().begin(), bits.bytes().end());
}

// load flag and matrix. A zero, which is forbidden (6.3.11), becomes 16.
void write_matrix(BitWriter& bits, std::span<const uint8_t, 64> matrix) {
  bits.flag(true);
  for (const uint8_t value : matrix) bits.u(8, value != 0 ? value : 16);
}

}  // namespace

void append_sequence(const v4l2_ctrl_mpeg2_sequence& sequence,
                     const v4l2_ctrl_mpeg2_quantisation& quantisation, std::vector<uint8_t>& out) {
  BitWriter header;
  header.u(12, sequence.horizontal_size & 0xfffu);
  header.u(12, sequence.vertical_size & 0xfffu);
  header.u(4, 1);         // aspect_ratio_information: square
  header.u(4, 3);         // frame_rate_code: 25
  header.u(18, 0x3ffff);  // bit_rate_value: unknown
  header.flag(true);      // marker_bit
  header.u(10, 0);        // vbv_buffer_size_value
  header.flag(false);     // constrained_parameters_flag
  write_matrix(header, quantisation.intra_quantiser_matrix);
  write_matrix(header, quantisation.non_intra_quantiser_matrix);
  append_unit(kSequenceHeader, header, out);

  BitWriter extension;
  extension.u(4, kSequenceExtension);
  extension.u(8, kMainProfileHighLevel);
  extension.flag((sequence.flags & V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE) != 0);
  extension.u(2, 1);  // chroma_format: 4:2:0
  extension.u(2, sequence.horizontal_size >> 12);
  extension.u(2, sequence.vertical_size >> 12);
  extension.u(12, 0);     // bit_rate_extension
  extension.flag(true);   // marker_bit
  extension.u(8, 0);      // vbv_buffer_size_extension
  extension.flag(false);  // low_delay
  extension.u(2, 0);      // frame_rate_extension_n
  extension.u(5, 0);      // frame_rate_extension_d
  append_unit(kExtensionStart, extension, out);

  BitWriter group;
  group.flag(false);  // drop_frame_flag
  group.u(11, 0);     // hours, minutes
  group.flag(true);   // marker_bit
  group.u(12, 0);     // seconds, pictures
  group.flag(true);   // closed_gop
  group.flag(false);  // broken_link
  append_unit(kGroupStart, group, out);
}

void append_picture(const v4l2_ctrl_mpeg2_picture& picture,
                    const v4l2_ctrl_mpeg2_quantisation& quantisation, std::vector<uint8_t>& out) {
  const auto flag = [&](BitWriter& bits, uint32_t mask) { bits.flag((picture.flags & mask) != 0); };
  BitWriter header;
  header.u(10, 0);  // temporal_reference: the order of output is not our concern
  header.u(3, picture.picture_coding_type);
  header.u(16, 0xffff);  // vbv_delay
  if (picture.picture_coding_type >= V4L2_MPEG2_PIC_CODING_TYPE_P) header.u(4, 7);
  if (picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B) header.u(4, 7);
  header.flag(false);  // extra_bit_picture
  append_unit(kPictureStart, header, out);

  BitWriter coding;
  coding.u(4, kPictureCodingExtension);
  for (const auto& direction : picture.f_code) {
    for (const uint8_t code : direction) coding.u(4, code & 15u);
  }
  coding.u(2, picture.intra_dc_precision & 3u);
  coding.u(2, picture.picture_structure & 3u);
  flag(coding, V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  flag(coding, V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT);
  flag(coding, V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV);
  flag(coding, V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE);
  flag(coding, V4L2_MPEG2_PIC_FLAG_INTRA_VLC);
  flag(coding, V4L2_MPEG2_PIC_FLAG_ALT_SCAN);
  flag(coding, V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST);
  flag(coding, V4L2_MPEG2_PIC_FLAG_PROGRESSIVE);  // chroma_420_type
  flag(coding, V4L2_MPEG2_PIC_FLAG_PROGRESSIVE);  // progressive_frame
  coding.flag(false);                             // composite_display_flag
  append_unit(kExtensionStart, coding, out);

  BitWriter matrices;
  matrices.u(4, kQuantMatrixExtension);
  write_matrix(matrices, quantisation.intra_quantiser_matrix);
  write_matrix(matrices, quantisation.non_intra_quantiser_matrix);
  matrices.flag(false);  // chroma matrices: 4:2:0 has none of its own
  matrices.flag(false);
  append_unit(kExtensionStart, matrices, out);
}

}  // namespace daedalus::core::rewrite
