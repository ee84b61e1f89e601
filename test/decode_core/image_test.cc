#include "decode_core/image.h"

#include <vector>

#include "decode_core/codec.h"
#include "test/catch.h"

namespace daedalus::core {
namespace {

TEST_CASE("a layout's planes are aligned, apart from each other and inside the buffer") {
  const std::vector<uint32_t> sizes = {1,   2,   3,   63,   64,   65,
                                       127, 128, 129, 1080, 1920, kMaxDimension};
  for (const ImageFormat format :
       {ImageFormat::kNv12, ImageFormat::kI420, ImageFormat::kYv12, ImageFormat::kP010}) {
    const bool planar = format == ImageFormat::kI420 || format == ImageFormat::kYv12;
    const size_t sample = format == ImageFormat::kP010 ? 2 : 1;
    for (const uint32_t width : sizes) {
      for (const uint32_t height : sizes) {
        const LinearLayout layout = layout_of(format, width, height);
        INFO(width << "x" << height << " format " << static_cast<int>(format));
        REQUIRE(layout.plane_count == (planar ? 3 : 2));
        size_t end = 0;
        for (size_t plane = 0; plane < layout.plane_count; ++plane) {
          const size_t columns = plane == 0 ? width : (width + 1) / 2 * (planar ? 1 : 2);
          const size_t rows = plane == 0 ? height : (height + 1) / 2;
          REQUIRE(layout.stride[plane] >= columns * sample);
          REQUIRE(layout.stride[plane] % 64 == 0);
          REQUIRE(layout.offset[plane] % 64 == 0);
          REQUIRE(layout.offset[plane] >= end);
          end = layout.offset[plane] + layout.stride[plane] * rows;
        }
        REQUIRE(layout.size >= end);
        // Clients take the chroma stride of planar images for half of luma's.
        if (planar) REQUIRE(layout.stride[0] == layout.stride[1] * 2);
        if (planar) REQUIRE(layout.stride[2] == layout.stride[1]);
        if (!planar) REQUIRE(layout.stride[0] == layout.stride[1]);
      }
    }
  }
}

TEST_CASE("codecs and profiles have the names that tables and statistics show") {
  CHECK(to_string(Codec::kH264) == "h264");
  CHECK(to_string(Profile::kH264ConstrainedBaseline) == "Constrained Baseline");
  CHECK(to_string(Profile::kVp9Profile2) == "Profile 2");
  CHECK(codec_of(Profile::kH264High) == Codec::kH264);
  CHECK(codec_of(Profile::kVp9Profile0) == Codec::kVp9);
  CHECK(codec_of(Profile::kVp8) == Codec::kVp8);
  CHECK(codec_of(Profile::kMpeg2Simple) == Codec::kMpeg2);
}

}  // namespace
}  // namespace daedalus::core
