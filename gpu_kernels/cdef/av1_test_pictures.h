// Pictures that the tests of CDEF's substrates share.
#ifndef DAEDALUS_GPU_KERNELS_CDEF_AV1_TEST_PICTURES_H_
#define DAEDALUS_GPU_KERNELS_CDEF_AV1_TEST_PICTURES_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gpu_kernels/cdef/av1.h"
#include "gpu_kernels/harness.h"

namespace daedalus::gpu_kernels::cdef_test {

struct Shape {
  uint32_t blocks_across;
  uint32_t block_rows;
  int bit_depth;
  bool monochrome = false;
  size_t padding = 0;       // of rows, bytes
  size_t misalignment = 0;  // of the first ones, bytes
};

// A picture, what is made of it, and all bytes around that. Unless chosen otherwise all blocks have
// strengths[0], which are none.
class TestPicture {
 public:
  explicit TestPicture(const Shape& shape)
      : blocks(size_t{shape.blocks_across} * shape.block_rows, 0),
        from(planes_of(shape)),
        to(planes_of(shape)) {
    picture.blocks_across = shape.blocks_across;
    picture.block_rows = shape.block_rows;
    picture.bit_depth = shape.bit_depth;
    picture.monochrome = shape.monochrome;
  }

  // Anything that check_av1_cdef() lets pass.
  static TestPicture choose(harness::Random& random, harness::Fill fill) {
    constexpr std::array<uint8_t, 4> kSecondary = {0, 1, 2, 4};
    const auto byte = [&](int low, int high) {
      return static_cast<uint8_t>(harness::draw(random, low, high));
    };
    TestPicture made({byte(1, 7), byte(1, 6), harness::draw(random, 0, 1) * 2 + 8, byte(0, 4) == 0,
                      byte(0, 33), byte(0, 3)});
    made.picture.damping = byte(3, 6);
    for (Av1CdefStrengths& strengths : made.picture.strengths) {
      strengths = {byte(0, 15), kSecondary[byte(0, 3)], byte(0, 15), kSecondary[byte(0, 3)]};
      if (byte(0, 3) == 0) strengths.y_primary = 0;
      if (byte(0, 3) == 0) strengths.uv_primary = 0;
    }
    for (uint8_t& block : made.blocks) block = byte(0, 4) == 0 ? kAv1CdefSkipped : byte(0, 7);
    made.fill(fill, random);
    return made;
  }

  // As it is passed to the kernels; valid while nothing of this object changes.
  Av1CdefPicture planes() {
    Av1CdefPicture passed = picture;
    passed.blocks = blocks.data();
    for (size_t i = 0; i < from.size(); ++i) {
      passed.from[i] = {from[i].row(0), from[i].stride()};
      passed.to[i] = {to[i].row(0), to[i].stride()};
    }
    return passed;
  }

  void run(const Av1CdefFunctions& functions) { functions.rows(planes(), 0, picture.block_rows); }

  void fill(harness::Fill fill, harness::Random& random) {
    for (harness::Plane& plane : from) plane.fill(fill, random);
    if (picture.bit_depth == 8) return;
    // The fills are of bytes: of ten bits the low byte as it is, the high one of its own.
    for (size_t plane = 0; plane < from.size(); ++plane) {
      for (uint32_t y = 0; y < from[plane].rows(); ++y) {
        for (uint32_t x = 0; x < width(plane); ++x) {
          set(plane, x, y, sample(from[plane], x, y) & 1023);
        }
      }
    }
  }

  void fill_with(int value) {
    for (size_t plane = 0; plane < from.size(); ++plane) {
      for (uint32_t y = 0; y < from[plane].rows(); ++y) {
        for (uint32_t x = 0; x < width(plane); ++x) set(plane, x, y, value);
      }
    }
  }

  void set(size_t plane, uint32_t x, uint32_t y, int value) {
    const auto bytes = static_cast<uint16_t>(value);
    std::memcpy(from[plane].row(y) + x * sample_bytes(), &bytes, sample_bytes());
  }
  int result(size_t plane, uint32_t x, uint32_t y) const { return sample(to[plane], x, y); }

  std::string described() const {
    return std::to_string(picture.blocks_across) + "x" + std::to_string(picture.block_rows) +
           " blocks, " + std::to_string(picture.bit_depth) + " bit, damping " +
           std::to_string(picture.damping) + (picture.monochrome ? ", monochrome" : "");
  }

  // Padding included.
  bool operator==(const TestPicture& other) const { return to == other.to; }

  Av1CdefPicture picture;  // without its planes
  std::vector<uint8_t> blocks;
  std::array<harness::Plane, 3> from;
  std::array<harness::Plane, 3> to;

 private:
  static std::array<harness::Plane, 3> planes_of(const Shape& shape) {
    const auto plane = [&](size_t block) {
      const size_t sample_bytes = shape.bit_depth == 8 ? 1 : 2;
      return harness::Plane({shape.blocks_across * block * sample_bytes, shape.block_rows * block,
                             shape.padding, shape.misalignment});
    };
    return {plane(8), plane(4), plane(4)};
  }

  size_t sample_bytes() const { return picture.bit_depth == 8 ? 1 : 2; }
  uint32_t width(size_t plane) const { return picture.blocks_across * (plane == 0 ? 8 : 4); }

  int sample(const harness::Plane& plane, uint32_t x, uint32_t y) const {
    uint16_t bytes = 0;
    std::memcpy(&bytes, plane.row(y) + x * sample_bytes(), sample_bytes());
    return bytes;
  }
};

}  // namespace daedalus::gpu_kernels::cdef_test

#endif  // DAEDALUS_GPU_KERNELS_CDEF_AV1_TEST_PICTURES_H_
