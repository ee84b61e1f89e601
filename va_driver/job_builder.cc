#include "va_driver/job_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "va_driver/status.h"

namespace daedalus::va {

std::unique_ptr<JobBuilder> JobBuilder::create(core::Profile profile) {
  switch (core::codec_of(profile)) {
    case core::Codec::kH264:
      return create_h264_builder(profile);
    case core::Codec::kVp9:
      return create_vp9_builder(profile);
    case core::Codec::kVp8:
      return create_vp8_builder();
    case core::Codec::kMpeg2:
      return create_mpeg2_builder(profile);
    case core::Codec::kHevc:
      return create_hevc_builder(profile);
    case core::Codec::kAv1:
      return create_av1_builder();
  }
  return nullptr;
}

void JobBuilder::begin() {
  has_picture_ = false;
  parameter_buffers_ = 0;
  elements_.clear();
  data_.clear();
  data_buffers_.clear();
  reset();
}

VAStatus JobBuilder::render(std::span<const std::shared_ptr<Buffer>> buffers) {
  bool has_picture = has_picture_;
  size_t bytes = data_.size();
  size_t slices = elements_.size();
  size_t data_buffers = data_buffers_.size();
  for (const auto& buffer : buffers) {
    if (VAStatus status = check(*buffer, &has_picture)) return status;
    if (buffer->type == VASliceDataBufferType) {
      bytes += buffer->size();
      ++data_buffers;
    }
    if (buffer->type == VASliceParameterBufferType) slices += buffer->element_count;
  }
  if (bytes > kMaxBufferSize || slices > kMaxSlices || data_buffers > kMaxSlices) {
    return refuse(VA_STATUS_ERROR_MAX_NUM_EXCEEDED, "%zu slices, %zu bytes in one picture", slices,
                  bytes);
  }
  // Reserved first: nothing is half taken if memory runs out.
  const auto reserve = [](auto& list, size_t size) {
    if (size > list.capacity()) list.reserve(std::max(size, list.capacity() * 2));
  };
  reserve(data_, bytes);
  reserve(elements_, slices);
  reserve(data_buffers_, data_buffers);
  for (const auto& buffer : buffers) take(*buffer);
  return VA_STATUS_SUCCESS;
}

VAStatus JobBuilder::check(const Buffer& buffer, bool* has_picture) const {
  size_t size = 0;
  switch (buffer.type) {
    case VAPictureParameterBufferType:
      size = sizes_.picture;
      *has_picture = true;
      break;
    case VAIQMatrixBufferType:
      size = sizes_.iq_matrix;
      break;
    case VAProbabilityBufferType:
      size = sizes_.probability;
      break;
    case VASliceParameterBufferType:
      size = sizes_.slice;
      break;
    case VASliceDataBufferType:
      size = 1;
      break;
    default:
      break;
  }
  if (size == 0) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE, "the profile has no buffers of type %d",
                  buffer.type);
  }
  if (buffer.element_size < size) {
    return refuse(VA_STATUS_ERROR_INVALID_BUFFER,
                  "a buffer of type %d with elements of %u bytes; they have %zu", buffer.type,
                  buffer.element_size, size);
  }
  const bool of_slice =
      buffer.type == VASliceParameterBufferType || buffer.type == VASliceDataBufferType;
  if (of_slice && !*has_picture) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                  "a slice before the parameters of its picture");
  }
  return VA_STATUS_SUCCESS;
}

void JobBuilder::take(const Buffer& buffer) {
  switch (buffer.type) {
    case VAPictureParameterBufferType:
      take_picture(buffer.data);
      has_picture_ = true;
      break;
    case VAIQMatrixBufferType:
      take_iq_matrix(buffer.data);
      break;
    case VAProbabilityBufferType:
      take_probability(buffer.data);
      break;
    case VASliceParameterBufferType:
      for (uint32_t i = 0; i < buffer.element_count; ++i) {
        const uint8_t* parameters = buffer.data + size_t{buffer.element_size} * i;
        VASliceParameterBufferBase base;
        std::memcpy(&base, parameters, sizeof base);
        elements_.push_back({base.slice_data_offset, base.slice_data_size, base.slice_data_flag,
                             parameter_buffers_});
        take_slice(parameters);
      }
      ++parameter_buffers_;
      break;
    case VASliceDataBufferType: {
      const auto bytes = buffer.bytes();
      data_buffers_.push_back(
          {static_cast<uint32_t>(data_.size()), static_cast<uint32_t>(bytes.size())});
      data_.insert(data_.end(), bytes.begin(), bytes.end());
      break;
    }
    default:
      break;
  }
}

// Lengthens `whole` by `part`. Where they are not side by side, the slice moves behind all data.
void JobBuilder::append(const core::ByteRange& part, core::ByteRange* whole) {
  if (whole->offset + whole->size != part.offset) {
    const auto copy_to_end = [this](const core::ByteRange& range) {
      const size_t end = data_.size();
      data_.resize(end + range.size);
      std::memcpy(data_.data() + end, data_.data() + range.offset, range.size);
    };
    if (whole->offset + whole->size != data_.size()) {
      const auto moved = static_cast<uint32_t>(data_.size());
      copy_to_end(*whole);
      whole->offset = moved;
    }
    copy_to_end(part);
  }
  whole->size += part.size;
}

uint32_t JobBuilder::size_behind_offset(const SliceElement& element, uint32_t buffer_size) const {
  const bool whole_buffer = slice_size_ == SliceSize::kBehindOffsetOrWholeBuffer &&
                            element.size == buffer_size && element.offset <= buffer_size;
  return whole_buffer ? buffer_size - element.offset : element.size;
}

// The n-th slice parameter buffer describes the n-th slice data buffer.
VAStatus JobBuilder::join_slices(std::vector<Slice>* slices) {
  slices->reserve(elements_.size());
  bool open = false;  // the last slice goes on in the next part
  for (size_t i = 0; i < elements_.size(); ++i) {
    const SliceElement& element = elements_[i];
    if (element.group >= data_buffers_.size()) {
      return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "slice %zu came without its data", i);
    }
    const core::ByteRange& buffer = data_buffers_[element.group];
    const uint32_t size = size_behind_offset(element, buffer.size);
    if (element.offset > buffer.size || size > buffer.size - element.offset) {
      return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                    "slice %zu: bytes %u to %llu of a slice data buffer of %u", i, element.offset,
                    static_cast<unsigned long long>(element.offset) + size, buffer.size);
    }
    const core::ByteRange part{buffer.offset + element.offset, size};
    const bool first =
        element.flag == VA_SLICE_DATA_FLAG_ALL || (element.flag & VA_SLICE_DATA_FLAG_BEGIN);
    if (first == open && !slices->empty()) {
      return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "slice %zu begins or goes on out of order",
                    i);
    }
    if (first) {
      slices->push_back({part, i});
    } else if (slices->empty()) {
      return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "the first slice has no beginning");
    } else {
      append(part, &slices->back().range);
    }
    open = element.flag != VA_SLICE_DATA_FLAG_ALL && !(element.flag & VA_SLICE_DATA_FLAG_END);
  }
  std::erase_if(*slices, [](const Slice& slice) { return slice.range.size == 0; });
  if (slices->empty()) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a picture without slices");
  }
  return VA_STATUS_SUCCESS;
}

VAStatus JobBuilder::end(References& references, BuiltJob* out) {
  if (!has_picture_) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a picture without picture parameters");
  }
  std::vector<Slice> slices;
  if (VAStatus status = join_slices(&slices)) return status;
  return build(references, slices, data_, out);
}

}  // namespace daedalus::va
