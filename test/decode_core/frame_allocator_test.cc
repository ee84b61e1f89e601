// Frames of decoders that allocate by themselves, as the core sees them.
#include "decode_core/software/libavcodec/frame_allocator.h"

#include <cstring>
#include <memory>

#include "test/catch.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
}

namespace daedalus::core::test {
namespace {

struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using OwnedFrame = std::unique_ptr<AVFrame, FreeFrame>;

OwnedFrame make_frame(int format, int width, int height) {
  OwnedFrame frame(av_frame_alloc());
  frame->format = format;
  frame->width = width;
  frame->height = height;
  REQUIRE(av_frame_get_buffer(frame.get(), 0) == 0);
  return frame;
}

uint32_t sample(const FrameView& view, size_t plane, size_t x, size_t y) {
  const uint8_t* row = view.planes[plane].data + y * view.planes[plane].stride;
  if (view.format == SampleFormat::kI420) return row[x];
  uint16_t value = 0;
  std::memcpy(&value, row + 2 * x, sizeof value);
  return value;
}

TEST_CASE("a borrowed frame without chroma has chroma of no colour, in every row") {
  const bool deep = GENERATE(false, true);
  auto frame = make_frame(deep ? AV_PIX_FMT_GRAY10 : AV_PIX_FMT_GRAY8, 8192, 5);
  const auto buffer = FrameAllocator::borrowed_buffer_of(*frame);
  REQUIRE(buffer.ok());
  const FrameView& view = buffer->view;
  CHECK(view.format == (deep ? SampleFormat::kI42010 : SampleFormat::kI420));
  CHECK(view.planes[0].data == frame->data[0]);
  for (const size_t plane : {1, 2}) {
    for (const size_t y : {0, 1, 2}) {
      CHECK(sample(view, plane, 0, y) == (deep ? 512U : 128U));
      CHECK(sample(view, plane, 4095, y) == (deep ? 512U : 128U));
    }
  }
}

TEST_CASE("a borrowed frame outlives the decoder's") {
  auto frame = make_frame(AV_PIX_FMT_YUV420P, 16, 16);
  frame->data[0][0] = 77;
  auto buffer = FrameAllocator::borrowed_buffer_of(*frame);
  REQUIRE(buffer.ok());
  frame.reset();
  CHECK(sample(buffer->view, 0, 0, 0) == 77);
}

TEST_CASE("other samples and sizes are refused") {
  CHECK(FrameAllocator::borrowed_buffer_of(*make_frame(AV_PIX_FMT_YUV444P, 16, 16)).error().code ==
        ErrorCode::kUnsupported);
  CHECK(FrameAllocator::borrowed_buffer_of(*make_frame(AV_PIX_FMT_GRAY8, 8200, 16)).error().code ==
        ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace daedalus::core::test
