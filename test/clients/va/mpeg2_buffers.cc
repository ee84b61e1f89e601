#include <algorithm>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {
namespace {

VAPictureParameterBufferMPEG2 picture_parameters(const core::DecodeJob& job,
                                                 const SurfaceOf& surface_of) {
  const auto& p = std::get<core::Mpeg2Parameters>(job.parameters);
  const auto flag = [&](uint32_t bit) { return (p.picture.flags & bit) != 0; };
  const auto reference = [&](size_t i) {
    return i < job.references.size() ? surface_of(job.references[i]) : VA_INVALID_SURFACE;
  };
  VAPictureParameterBufferMPEG2 v{};
  v.horizontal_size = p.sequence.horizontal_size;
  v.vertical_size = p.sequence.vertical_size;
  const bool predicted = p.picture.picture_coding_type != V4L2_MPEG2_PIC_CODING_TYPE_I;
  const bool bidirectional = p.picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B;
  v.forward_reference_picture = predicted ? reference(0) : VA_INVALID_SURFACE;
  v.backward_reference_picture = bidirectional ? reference(1) : VA_INVALID_SURFACE;
  v.picture_coding_type = p.picture.picture_coding_type;
  v.f_code = p.picture.f_code[0][0] << 12 | p.picture.f_code[0][1] << 8 |
             p.picture.f_code[1][0] << 4 | p.picture.f_code[1][1];
  auto& e = v.picture_coding_extension.bits;
  e.intra_dc_precision = p.picture.intra_dc_precision;
  e.picture_structure = p.picture.picture_structure;
  e.top_field_first = flag(V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  e.frame_pred_frame_dct = flag(V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT);
  e.concealment_motion_vectors = flag(V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV);
  e.q_scale_type = flag(V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE);
  e.intra_vlc_format = flag(V4L2_MPEG2_PIC_FLAG_INTRA_VLC);
  e.alternate_scan = flag(V4L2_MPEG2_PIC_FLAG_ALT_SCAN);
  e.repeat_first_field = flag(V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST);
  e.progressive_frame = flag(V4L2_MPEG2_PIC_FLAG_PROGRESSIVE);
  e.is_first_field = job.field != core::FieldRole::kSecondField;
  return v;
}

VAIQMatrixBufferMPEG2 matrices(const core::Mpeg2Parameters& p) {
  VAIQMatrixBufferMPEG2 v{};
  v.load_intra_quantiser_matrix = 1;
  v.load_non_intra_quantiser_matrix = 1;
  v.load_chroma_intra_quantiser_matrix = 1;
  v.load_chroma_non_intra_quantiser_matrix = 1;
  const auto& q = p.quantisation;
  std::copy_n(q.intra_quantiser_matrix, 64, v.intra_quantiser_matrix);
  std::copy_n(q.non_intra_quantiser_matrix, 64, v.non_intra_quantiser_matrix);
  std::copy_n(q.chroma_intra_quantiser_matrix, 64, v.chroma_intra_quantiser_matrix);
  std::copy_n(q.chroma_non_intra_quantiser_matrix, 64, v.chroma_non_intra_quantiser_matrix);
  return v;
}

// slice() up to its macroblocks (ISO/IEC 13818-2 6.2.4).
Result<VASliceParameterBufferMPEG2> slice_parameters(const core::Mpeg2Parameters& p,
                                                     std::span<const uint8_t> slice) {
  clients::BitReader reader(slice);
  if (reader.bits(24) != 1) return Error{ErrorCode::kCorrupt, "MPEG-2 slice: no start code"};
  const uint32_t code = reader.bits(8);
  uint32_t row = code - 1;
  if (p.sequence.vertical_size > 2800) row += reader.bits(3) << 7;
  VASliceParameterBufferMPEG2 v{};
  v.slice_data_size = static_cast<uint32_t>(slice.size());
  v.slice_data_flag = VA_SLICE_DATA_FLAG_ALL;
  v.slice_vertical_position = row;
  v.quantiser_scale_code = static_cast<int32_t>(reader.bits(5));
  v.intra_slice_flag = reader.flag();
  if (v.intra_slice_flag) {
    reader.bits(8);  // intra_slice, reserved bits
    while (reader.flag() && !reader.exhausted()) reader.bits(8);
  }
  if (reader.exhausted()) return Error{ErrorCode::kCorrupt, "MPEG-2 slice: truncated header"};
  // The terminating extra_bit_slice was read either as intra_slice_flag or by the loop.
  v.macroblock_offset = reader.position();
  return v;
}

}  // namespace

Result<PictureBuffers> mpeg2_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of) {
  const auto& p = std::get<core::Mpeg2Parameters>(job.parameters);
  PictureBuffers buffers;
  buffers.picture.push_back(
      ParameterBuffer::of(VAPictureParameterBufferType, picture_parameters(job, surface_of)));
  buffers.picture.push_back(ParameterBuffer::of(VAIQMatrixBufferType, matrices(p)));
  for (const core::ByteRange& range : job.slices) {
    Result<VASliceParameterBufferMPEG2> slice = slice_parameters(p, job.bytes_of(range));
    if (!slice) return slice.error();
    buffers.slices.push_back(ParameterBuffer::of(VASliceParameterBufferType, *slice));
    buffers.slices.push_back(ParameterBuffer::of_data(job.bytes_of(range)));
  }
  return buffers;
}

}  // namespace daedalus::va_client
