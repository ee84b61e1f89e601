#include "decode_core/software/libavcodec/frame_allocator.h"

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

#include "decode_core/codec.h"

namespace daedalus::core {
namespace {

std::optional<SampleFormat> sample_format_of(int pixel_format) {
  switch (pixel_format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
      return SampleFormat::kI420;
    case AV_PIX_FMT_YUV420P10:
      return SampleFormat::kI42010;
    default:
      return std::nullopt;
  }
}

// As 4:2:0 that lacks its chroma.
std::optional<SampleFormat> monochrome_format_of(int pixel_format) {
  switch (pixel_format) {
    case AV_PIX_FMT_GRAY8:
      return SampleFormat::kI420;
    case AV_PIX_FMT_GRAY10:
      return SampleFormat::kI42010;
    default:
      return std::nullopt;
  }
}

// A chroma row of no colour for the widest picture; with a stride of 0 it is a whole plane.
template <typename Sample, Sample kMiddle>
Plane grey_plane() {
  static constexpr auto row = [] {
    std::array<Sample, kMaxDimension / 2> samples{};
    samples.fill(kMiddle);
    return samples;
  }();
  // Pictures that lie in borrowed memory are only read.
  return {const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(row.data())), 0};
}

using MemoryOwner = std::shared_ptr<FrameMemory>;

void release_memory(void* opaque, uint8_t* /*data*/) { delete static_cast<MemoryOwner*>(opaque); }

FrameBuffer view_of(const AVFrame& frame, SampleFormat format, const MemoryOwner& memory) {
  FrameBuffer buffer{
      {format, static_cast<uint32_t>(frame.width), static_cast<uint32_t>(frame.height), {}},
      memory};
  for (size_t plane = 0; plane < 3; ++plane) {
    buffer.view.planes[plane] = {frame.data[plane], static_cast<size_t>(frame.linesize[plane])};
  }
  return buffer;
}

// Width and height are what libavcodec touches, in luma samples.
Result<FrameBuffer> place_planes(FramePool& pool, AVFrame& frame, SampleFormat format, size_t width,
                                 size_t height) {
  // SIMD loads run over the end of the last row.
  constexpr size_t kTail = 128;
  constexpr size_t kStride = FrameMemory::kAlignment;
  const size_t sample = format == SampleFormat::kI42010 ? 2 : 1;
  const auto stride_of = [&](size_t samples) {
    return (samples * sample + kStride - 1) / kStride * kStride;
  };
  // Chroma rows keep the alignment that libavcodec wants of luma rows.
  const size_t chroma_stride = stride_of((width + 1) / 2);
  const std::array<size_t, 3> stride = {chroma_stride * 2, chroma_stride, chroma_stride};
  const std::array<size_t, 3> rows = {height, (height + 1) / 2, (height + 1) / 2};
  std::array<size_t, 3> offset{};
  size_t size = 0;
  for (size_t plane = 0; plane < 3; ++plane) {
    offset[plane] = size;
    size += (stride[plane] * rows[plane] + kTail + kStride - 1) / kStride * kStride;
  }
  auto memory = pool.allocate(size);
  if (!memory) return memory.error();
  auto owner = std::make_unique<MemoryOwner>(*memory);
  frame.buf[0] = av_buffer_create((*memory)->data(), size, &release_memory, owner.get(), 0);
  if (frame.buf[0] == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for a frame"};
  static_cast<void>(owner.release());  // the AVBuffer owns it now
  for (size_t plane = 0; plane < 3; ++plane) {
    frame.data[plane] = (*memory)->data() + offset[plane];
    frame.linesize[plane] = static_cast<int>(stride[plane]);
  }
  frame.extended_data = frame.data;
  return view_of(frame, format, *memory);
}

Result<SampleFormat> supported_format_of(const AVFrame& frame, std::optional<SampleFormat> format) {
  if (!format.has_value()) {
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
    return Error{ErrorCode::kUnsupported, std::string("the stream's samples are ") +
                                              (name != nullptr ? name : "of an unknown format") +
                                              "; 4:2:0 of 8 or 10 bits is supported"};
  }
  const auto limit = static_cast<int>(kMaxDimension);
  if (frame.width <= 0 || frame.height <= 0 || frame.width > limit || frame.height > limit) {
    return Error{ErrorCode::kUnsupported, "the stream's size is outside 1x1 to 8192x8192"};
  }
  return *format;
}

}  // namespace

Result<FrameBuffer> FrameAllocator::allocate(AVCodecContext& context, AVFrame& frame) {
  const auto format = supported_format_of(frame, sample_format_of(frame.format));
  if (!format) return format.error();
  int width = frame.width;
  int height = frame.height;
  std::array<int, AV_NUM_DATA_POINTERS> alignment{};
  avcodec_align_dimensions2(&context, &width, &height, alignment.data());
  return place_planes(pool_, frame, *format, static_cast<size_t>(width),
                      static_cast<size_t>(height));
}

FrameBuffer FrameAllocator::buffer_of(const AVFrame& frame) {
  const auto& memory = *static_cast<const MemoryOwner*>(av_buffer_get_opaque(frame.buf[0]));
  return view_of(frame, sample_format_of(frame.format).value_or(SampleFormat::kI420), memory);
}

Result<FrameBuffer> FrameAllocator::borrowed_buffer_of(const AVFrame& frame) {
  const auto monochrome = monochrome_format_of(frame.format);
  const auto format =
      supported_format_of(frame, monochrome ? monochrome : sample_format_of(frame.format));
  if (!format) return format.error();
  std::shared_ptr<const AVFrame> held(av_frame_clone(&frame), [](const AVFrame* owned) {
    auto* mutable_frame = const_cast<AVFrame*>(owned);
    av_frame_free(&mutable_frame);
  });
  if (held == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for a frame"};
  FrameBuffer buffer = view_of(frame, *format, nullptr);
  if (monochrome) {
    const Plane chroma =
        *format == SampleFormat::kI420 ? grey_plane<uint8_t, 128>() : grey_plane<uint16_t, 512>();
    buffer.view.planes[1] = buffer.view.planes[2] = chroma;
  }
  buffer.owner = std::move(held);
  return buffer;
}

int averror_of(const Error& error) {
  return error.code == ErrorCode::kOutOfMemory ? AVERROR(ENOMEM) : AVERROR(EINVAL);
}

}  // namespace daedalus::core
