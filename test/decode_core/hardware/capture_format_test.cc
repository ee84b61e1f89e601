// Pictures out of CAPTURE buffers: strides, padded sizes and memory planes, told apart from pixels.
#include "decode_core/hardware/capture_format.h"

#include <algorithm>
#include <span>
#include <vector>

#include "decode_core/uapi/pixel_formats.h"
#include "gpu_kernels/substrate.h"
#include "test/catch.h"
#include "test/decode_core/hardware/capture_layout.h"
#include "test/decode_core/hardware/passing_memory.h"

namespace daedalus::core::test {
namespace {

constexpr uint32_t kWidth = 21;  // of the picture
constexpr uint32_t kHeight = 9;
const gpu_kernels::SubstrateChoice kAnySubstrate;

struct Case {
  uint32_t fourcc;
  uint32_t planes;
  SampleFormat samples;
};

// A buffer of 32x16 luma samples with rows of 48 (P010: 96) bytes; padding is 0xee.
struct Buffer {
  explicit Buffer(const Case& what) : wide(what.samples == SampleFormat::kP010) {
    format.fourcc = what.fourcc;
    format.width = 32;
    format.height = 16;
    format.planes = what.planes;
    const uint32_t stride = wide ? 96 : 48;
    format.strides = {stride, stride};
    format.sizes[0] = what.planes == 2 ? stride * 16 : stride * 24;
    format.sizes[1] = what.planes == 2 ? stride * 8 : 0;
    for (uint32_t i = 0; i < what.planes; ++i) {
      memory.emplace_back(format.sizes[i], uint8_t{0xee});
      planes.emplace_back(memory[i]);
    }
    for (uint32_t y = 0; y < kHeight; ++y) {
      for (uint32_t x = 0; x < kWidth; ++x) put(0, stride * y, x, luma(x, y));
    }
    for (uint32_t y = 0; y < (kHeight + 1) / 2; ++y) {
      for (uint32_t x = 0; x < (kWidth + 1) / 2; ++x) {
        for (uint32_t c = 0; c < 2; ++c) {
          if (what.samples == SampleFormat::kI420) {
            put(0, stride * 16 + stride / 2 * (8 * c + y), x, chroma(x, y, c));
          } else if (what.planes == 2) {
            put(1, stride * y, 2 * x + c, chroma(x, y, c));
          } else {
            put(0, stride * (16 + y), 2 * x + c, chroma(x, y, c));
          }
        }
      }
    }
  }
  static uint16_t luma(uint32_t x, uint32_t y) { return static_cast<uint16_t>(x * 7 + y); }
  static uint16_t chroma(uint32_t x, uint32_t y, uint32_t c) {
    return static_cast<uint16_t>(100 + x + 16 * y + c);
  }
  void put(uint32_t plane, size_t row, size_t x, uint16_t value) {
    if (!wide) {
      memory[plane][row + x] = static_cast<uint8_t>(value);
      return;
    }
    memory[plane][row + 2 * x] = static_cast<uint8_t>(value << 6);
    memory[plane][row + 2 * x + 1] = static_cast<uint8_t>(value >> 2);
  }

  bool wide;
  QueueFormat format;
  std::vector<std::vector<uint8_t>> memory;
  std::vector<std::span<uint8_t>> planes;
};

uint16_t sample(const FrameView& view, uint32_t component, uint32_t x, uint32_t y) {
  const bool pairs = component != 0 && is_interleaved(view.format);
  const Plane& plane = view.planes[pairs ? 1 : component];
  const uint8_t* row = plane.data + y * plane.stride;
  const size_t column = pairs ? 2 * x + component - 1 : x;
  if (!is_wide(view.format)) return row[column];
  const int value = row[2 * column] | row[2 * column + 1] << 8;
  return static_cast<uint16_t>(view.format == SampleFormat::kP010 ? value >> 6 : value);
}

void check_picture(const FrameView& view, SampleFormat samples) {
  CHECK(view.format == samples);
  CHECK(view.width == kWidth);
  CHECK(view.height == kHeight);
  for (uint32_t y = 0; y < kHeight; ++y) {
    for (uint32_t x = 0; x < kWidth; ++x) REQUIRE(sample(view, 0, x, y) == Buffer::luma(x, y));
  }
  for (uint32_t y = 0; y < (kHeight + 1) / 2; ++y) {
    for (uint32_t x = 0; x < (kWidth + 1) / 2; ++x) {
      REQUIRE(sample(view, 1, x, y) == Buffer::chroma(x, y, 0));
      REQUIRE(sample(view, 2, x, y) == Buffer::chroma(x, y, 1));
    }
  }
}

constexpr Case kCases[] = {{V4L2_PIX_FMT_NV12, 1, SampleFormat::kNv12},
                           {V4L2_PIX_FMT_NV12M, 2, SampleFormat::kNv12},
                           {V4L2_PIX_FMT_YUV420, 1, SampleFormat::kI420},
                           {V4L2_PIX_FMT_P010, 1, SampleFormat::kP010}};

// A buffer that is nothing but a picture and junk.
struct PackedBuffer {
  PackedBuffer(const CaptureLayout& layout, uint32_t picture_width, uint32_t picture_height)
      : width(picture_width),
        height(picture_height),
        format(format_of(layout, width, height)),
        memory(format.sizes[0]) {
    uint8_t junk = 0xA7;
    for (uint8_t& byte : memory) byte = junk = static_cast<uint8_t>(junk * 29 + 5);
    for_each_sample([&](uint32_t component, uint32_t x, uint32_t y) {
      put_sample(format, memory, component, x, y, value(component, x, y));
      return true;
    });
    planes.emplace_back(memory);
  }
  bool is_picture(const FrameView& view) const {
    return view.width == width && view.height == height &&
           for_each_sample([&](uint32_t component, uint32_t x, uint32_t y) {
             return sample(view, component, x, y) == value(component, x, y);
           });
  }

  const uint32_t width, height;
  const QueueFormat format;
  std::vector<uint8_t> memory;
  std::vector<std::span<uint8_t>> planes;

 private:
  uint16_t value(uint32_t component, uint32_t x, uint32_t y) const {
    const uint32_t hash = (x * 977 + y * 31 + component * 7 + 1) * 2654435761u;
    return static_cast<uint16_t>(hash >> (bit_depth_of_capture(format.fourcc) == 8 ? 24 : 22));
  }
  // Until one says false.
  template <typename Visit>
  bool for_each_sample(const Visit& visit) const {
    for (uint32_t component = 0; component < 3; ++component) {
      const uint32_t shift = component == 0 ? 0 : 1;
      for (uint32_t y = 0; y < (height + shift) >> shift; ++y) {
        for (uint32_t x = 0; x < (width + shift) >> shift; ++x) {
          if (!visit(component, x, y)) return false;
        }
      }
    }
    return true;
  }
};

}  // namespace

TEST_CASE("the picture comes out of each format without its padding") {
  const Case& what = kCases[GENERATE(0, 1, 2, 3)];
  CAPTURE(what.fourcc);
  const Buffer buffer(what);
  REQUIRE(holds_picture(buffer.format, kWidth, kHeight));
  FramePool pool;
  const auto frame =
      copy_picture(pool, buffer.format, buffer.planes, kWidth, kHeight, kAnySubstrate);
  REQUIRE(frame.ok());
  CHECK(frame->unpacked == UnpackedOn::kNothing);
  check_picture(frame->frame.view, what.samples);
}

TEST_CASE("the picture is seen in each format that frames may have, where it lies") {
  const Case& what = kCases[GENERATE(0, 1, 2, 3)];
  CAPTURE(what.fourcc);
  Buffer buffer(what);
  const auto view = view_picture(buffer.format, buffer.planes, kWidth, kHeight);
  REQUIRE(view.ok());
  CHECK(view->planes[0].data == buffer.memory[0].data());
  check_picture(*view, what.samples);
  std::vector<std::span<uint8_t>> cut = buffer.planes;
  cut[0] = cut[0].first(buffer.format.sizes[0] - 1);
  CHECK_FALSE(view_picture(buffer.format, cut, kWidth, kHeight).ok());
}

// Sizes that are a little more or less than whole columns, words, groups and strips of rows.
TEST_CASE("packed pictures come out of every size, and nothing of their padding") {
  const CaptureLayout layout = GENERATE(CaptureLayout{V4L2_PIX_FMT_NV12_COL128, 2, 2, 0},
                                        CaptureLayout{V4L2_PIX_FMT_NV12_COL128, 16, 8, 5},
                                        CaptureLayout{V4L2_PIX_FMT_NV12_10_COL128, 2, 2, 0},
                                        CaptureLayout{V4L2_PIX_FMT_NV12_10_COL128, 16, 8, 5},
                                        CaptureLayout{V4L2_PIX_FMT_NV15, 1, 1, 0},
                                        CaptureLayout{V4L2_PIX_FMT_NV15, 64, 16, 3});
  const gpu_kernels::SubstrateChoice substrate =
      *gpu_kernels::parse_substrate_choice(GENERATE("scalar", "simd"));
  CAPTURE(layout.fourcc, layout.padding);
  for (const uint32_t width : {1, 2, 3, 7, 31, 96, 97, 127, 128, 129, 193, 290}) {
    for (const uint32_t height : {1, 2, 7, 8, 9, 33}) {
      const PackedBuffer buffer(layout, width, height);
      REQUIRE(holds_picture(buffer.format, width, height));
      FramePool pool;
      const auto frame = copy_picture(pool, buffer.format, buffer.planes, width, height, substrate);
      REQUIRE(frame.ok());
      CHECK(frame->unpacked == UnpackedOn::kCpu);
      if (!buffer.is_picture(frame->frame.view)) FAIL("a sample of " << width << "x" << height);
    }
  }
}

TEST_CASE("packed formats that contradict themselves are refused") {
  const uint32_t fourcc =
      GENERATE(V4L2_PIX_FMT_NV12_COL128, V4L2_PIX_FMT_NV12_10_COL128, V4L2_PIX_FMT_NV15);
  CAPTURE(fourcc);
  CHECK(is_packed_capture(fourcc));
  const bool columns = fourcc != V4L2_PIX_FMT_NV15;
  const QueueFormat good = format_of({fourcc, 192, 16, 0}, 192, 16);
  REQUIRE(holds_picture(good, 192, 16));
  const auto refuses = [&](auto change) {
    QueueFormat bad = good;
    change(bad);
    return !holds_picture(bad, 192, 16);
  };
  CHECK(refuses([](QueueFormat& bad) { bad.width = 0; }));
  CHECK(refuses([](QueueFormat& bad) { bad.width = 191; }));
  CHECK(refuses([](QueueFormat& bad) { bad.width = 0xFFFFFFFF; }));
  CHECK(refuses([](QueueFormat& bad) { bad.height = 15; }));
  CHECK(refuses([](QueueFormat& bad) { bad.height = 0xFFFFFFFE; }));
  CHECK(refuses([](QueueFormat& bad) { bad.planes = 2; }));
  CHECK(refuses([](QueueFormat& bad) { bad.planes = 0; }));
  // Of columns it is their height, luma and chroma: 24. Wider or higher than the memory, too.
  CHECK(refuses([](QueueFormat& bad) { bad.strides[0] = 0; }));
  CHECK(refuses([](QueueFormat& bad) { --bad.strides[0]; }));
  CHECK(refuses([](QueueFormat& bad) { ++bad.strides[0]; }));
  CHECK(refuses([](QueueFormat& bad) { bad.strides[0] = 0xFFFFFFFF; }));
  CHECK(refuses([](QueueFormat& bad) { --bad.sizes[0]; }));
  CHECK(refuses([](QueueFormat& bad) { bad.sizes[0] = 0; }));
  if (columns) CHECK(good.strides[0] == 24);

  const PackedBuffer buffer({fourcc, 192, 16, 0}, 192, 16);
  const std::vector<std::span<uint8_t>> cut{buffer.planes[0].first(buffer.format.sizes[0] - 1)};
  FramePool pool;
  CHECK_FALSE(copy_picture(pool, buffer.format, cut, 192, 16, kAnySubstrate).ok());
}

TEST_CASE("linear formats need no unpacking") {
  for (const Case& what : kCases) CHECK_FALSE(is_packed_capture(what.fourcc));
  CHECK_FALSE(is_packed_capture(V4L2_PIX_FMT_YUYV));
}

TEST_CASE("surfaces are laid out as the buffers of their own formats are") {
  const Case& what = kCases[GENERATE(0, 1, 2, 3)];
  CAPTURE(what.fourcc);
  const Buffer buffer(what);
  const auto layout = surface_layout(buffer.format);
  const bool own = what.fourcc == V4L2_PIX_FMT_NV12 || what.fourcc == V4L2_PIX_FMT_P010;
  REQUIRE(layout.has_value() == own);
  CHECK_FALSE(surface_layout(format_of({V4L2_PIX_FMT_NV15, 16, 16, 0}, kWidth, kHeight)));
  if (!own) return;
  CHECK(layout->plane_count == 2);
  CHECK(layout->offset[1] == buffer.format.strides[0] * 16);
  CHECK(layout->stride[0] == buffer.format.strides[0]);
  CHECK(layout->stride[1] == buffer.format.strides[0]);
  CHECK(layout->size == buffer.format.sizes[0]);
  PassingMemory memory;
  const Destination good{*memory.allocate(layout->size, true), *layout, kWidth, kHeight};
  CHECK(suits(good, buffer.format));
  const auto refuses = [&](auto change) {
    Destination bad = good;
    change(bad);
    return !suits(bad, buffer.format);
  };
  CHECK(refuses([](Destination& bad) { ++bad.layout.offset[0]; }));
  CHECK(refuses([](Destination& bad) { bad.layout.offset[1] -= bad.layout.stride[0]; }));
  CHECK(refuses([](Destination& bad) { bad.layout.stride[1] += 16; }));
  CHECK(refuses([&](Destination& bad) { bad.memory = *memory.allocate(layout->size - 1, true); }));
  CHECK(refuses([&](Destination& bad) { bad.memory = *memory.allocate(layout->size, false); }));
}

TEST_CASE("formats that cannot be, and buffers that are too small, are refused") {
  const Case& what = kCases[GENERATE(0, 1, 2, 3)];
  CAPTURE(what.fourcc);
  Buffer buffer(what);
  CHECK_FALSE(holds_picture(buffer.format, 33, kHeight));
  CHECK_FALSE(holds_picture(buffer.format, kWidth, 17));
  QueueFormat narrow = buffer.format;
  narrow.strides[0] = 31;
  CHECK_FALSE(holds_picture(narrow, kWidth, kHeight));
  QueueFormat small = buffer.format;
  small.sizes[0] -= 48;
  small.sizes[1] = 0;
  CHECK_FALSE(holds_picture(small, kWidth, kHeight));
  QueueFormat other = buffer.format;
  other.planes = 3 - what.planes;
  CHECK_FALSE(holds_picture(other, kWidth, kHeight));
  other = buffer.format;
  other.fourcc = V4L2_PIX_FMT_YUYV;
  CHECK(bit_depth_of_capture(other.fourcc) == 0);
  CHECK_FALSE(holds_picture(other, kWidth, kHeight));

  std::vector<std::span<uint8_t>> cut = buffer.planes;
  cut[0] = cut[0].first(cut[0].size() - 1);
  FramePool pool;
  CHECK_FALSE(copy_picture(pool, buffer.format, cut, kWidth, kHeight, kAnySubstrate).ok());
}

}  // namespace daedalus::core::test
