#include "test/clients/va/picture_buffers.h"

#include <cstring>

namespace daedalus::va_client {
namespace {

// Every codec's slice parameters begin with slice_data_size and slice_data_offset.
void add_to_data_offset(std::span<uint8_t> slice_parameters, uint32_t bytes) {
  static_assert(offsetof(VASliceParameterBufferAV1, slice_data_offset) == sizeof(uint32_t) &&
                offsetof(VASliceParameterBufferH264, slice_data_offset) == sizeof(uint32_t) &&
                offsetof(VASliceParameterBufferHEVC, slice_data_offset) == sizeof(uint32_t) &&
                offsetof(VASliceParameterBufferMPEG2, slice_data_offset) == sizeof(uint32_t) &&
                offsetof(VASliceParameterBufferVP8, slice_data_offset) == sizeof(uint32_t) &&
                offsetof(VASliceParameterBufferVP9, slice_data_offset) == sizeof(uint32_t));
  uint32_t offset = 0;
  uint8_t* const field = slice_parameters.data() + sizeof(uint32_t);
  std::memcpy(&offset, field, sizeof(offset));
  offset += bytes;
  std::memcpy(field, &offset, sizeof(offset));
}

// One parameter buffer with an element a slice, and one data buffer with all of them in a row.
std::vector<ParameterBuffer> joined(const std::vector<ParameterBuffer>& pairs) {
  ParameterBuffer parameters = pairs[0];
  ParameterBuffer data = pairs[1];
  for (size_t i = 2; i + 1 < pairs.size(); i += 2) {
    std::vector<uint8_t> element = pairs[i].bytes;
    add_to_data_offset(element, static_cast<uint32_t>(data.bytes.size()));
    parameters.bytes.insert(parameters.bytes.end(), element.begin(), element.end());
    ++parameters.elements;
    data.bytes.insert(data.bytes.end(), pairs[i + 1].bytes.begin(), pairs[i + 1].bytes.end());
  }
  data.element_size = static_cast<uint32_t>(data.bytes.size());
  return {std::move(parameters), std::move(data)};
}

Result<PictureBuffers> separate_buffers(const core::DecodeJob& job, const SurfaceOf& surface_of,
                                        const ClientStyle& style,
                                        std::span<const std::shared_ptr<core::Picture>, 8> slots) {
  switch (job.codec()) {
    case core::Codec::kH264:
      return h264_buffers(job, surface_of);
    case core::Codec::kVp9:
      return vp9_buffers(job, slots, surface_of);
    case core::Codec::kVp8:
      return vp8_buffers(job, surface_of, style.vp8_whole_frame);
    case core::Codec::kMpeg2:
      return mpeg2_buffers(job, surface_of);
    case core::Codec::kHevc:
      return hevc_buffers(job, surface_of);
    case core::Codec::kAv1:
      return av1_buffers(job, surface_of);
  }
  return Error{ErrorCode::kUnsupported, "a codec that this client does not know"};
}

}  // namespace

Result<PictureBuffers> BufferBuilder::build(const core::DecodeJob& job, const SurfaceOf& surface_of,
                                            const ClientStyle& style) {
  Result<PictureBuffers> buffers = separate_buffers(job, surface_of, style, vp9_slots_);
  if (buffers && style.share_slice_buffers) buffers->slices = joined(buffers->slices);
  return buffers;
}

void BufferBuilder::finish(const core::DecodeJob& job) {
  if (job.codec() != core::Codec::kVp9) return;
  const Result<Vp9References> references = read_vp9_references(job.bytes_of(job.slices.front()));
  if (!references) return;
  for (size_t i = 0; i < vp9_slots_.size(); ++i) {
    if (references->refresh_frame_flags >> i & 1) vp9_slots_[i] = job.target;
  }
}

}  // namespace daedalus::va_client
