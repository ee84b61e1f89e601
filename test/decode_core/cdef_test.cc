// Our CDEF against dav1d's: key frames of random bytes, decoded with CDEF and without it. All
// blocks have the same strengths; which of them were skipped only dav1d knows, so a block may also
// be as it was before.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

extern "C" {
#include <dav1d/dav1d.h>
}

#include "decode_core/job.h"
#include "decode_core/software/dav1d/rewrite/av1_units.h"
#include "gpu_kernels/cdef/av1.h"
#include "test/catch.h"
#include "test/decode_core/av1_frames.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {
namespace {

using gpu_kernels::Av1CdefFunctions;
using gpu_kernels::Av1CdefPicture;
using gpu_kernels::Substrate;
using rewrite::test::Av1Random;

struct UnrefPicture {
  void operator()(Dav1dPicture* picture) const {
    dav1d_picture_unref(picture);
    delete picture;
  }
};
using OwnedPicture = std::unique_ptr<Dav1dPicture, UnrefPicture>;

OwnedPicture decode(std::span<const uint8_t> unit, bool with_cdef) {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.output_invisible_frames = 1;  // we write headers of no others
  settings.inloop_filters =
      with_cdef
          ? static_cast<Dav1dInloopFilterType>(DAV1D_INLOOPFILTER_DEBLOCK | DAV1D_INLOOPFILTER_CDEF)
          : DAV1D_INLOOPFILTER_DEBLOCK;
  Dav1dContext* decoder = nullptr;
  REQUIRE(dav1d_open(&decoder, &settings) == 0);
  Dav1dData data{};
  std::copy(unit.begin(), unit.end(), dav1d_data_create(&data, unit.size()));
  REQUIRE(dav1d_send_data(decoder, &data) == 0);
  OwnedPicture picture(new Dav1dPicture{});
  REQUIRE(dav1d_get_picture(decoder, picture.get()) == 0);
  dav1d_close(&decoder);
  return picture;
}

struct Case {
  uint32_t width;
  uint32_t height;
  bool wide;  // 10 bits
  v4l2_av1_cdef cdef;
};

Case choose_case(Av1Random& random) {
  constexpr std::array<uint8_t, 4> kSecondary = {0, 1, 2, 4};
  const auto byte = [&](int low, int high) { return static_cast<uint8_t>(random.in(low, high)); };
  Case chosen{static_cast<uint32_t>(random.in(1, 300)),
              static_cast<uint32_t>(random.in(1, 200)),
              random.coin(),
              {}};
  chosen.cdef.damping_minus_3 = byte(0, 3);
  chosen.cdef.y_pri_strength[0] = byte(0, 15);
  chosen.cdef.y_sec_strength[0] = kSecondary[byte(0, 3)];
  chosen.cdef.uv_pri_strength[0] = byte(0, 15);
  chosen.cdef.uv_sec_strength[0] = kSecondary[byte(0, 3)];
  return chosen;
}

std::vector<uint8_t> make_unit(const Case& chosen, Av1Random& random) {
  const DecodeJob job = make_job(Codec::kAv1, chosen.width, chosen.height);
  auto parameters = std::get<Av1Parameters>(job.parameters);
  parameters.sequence.bit_depth = chosen.wide ? 10 : 8;
  parameters.sequence.flags |= V4L2_AV1_SEQUENCE_FLAG_ENABLE_CDEF;
  parameters.frame.tile_info.flags = V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  parameters.frame.quantization.base_q_idx = static_cast<uint8_t>(random.in(1, 255));
  parameters.frame.loop_filter.level[0] = static_cast<uint8_t>(random.in(0, 63));
  parameters.frame.loop_filter.level[1] = static_cast<uint8_t>(random.in(0, 63));
  parameters.frame.cdef = chosen.cdef;
  const std::vector<uint8_t> tile = random.bytes(200'000);
  const std::array<std::span<const uint8_t>, 1> tiles = {tile};
  std::vector<uint8_t> unit;
  rewrite::append_av1_temporal_delimiter(unit);
  rewrite::append_av1_sequence_header(parameters.sequence, unit);
  const auto written =
      rewrite::append_av1_frame({parameters.sequence, parameters.frame, {}, 0xff, {}}, tiles, unit);
  INFO((written.ok() ? "" : written.error().message));
  REQUIRE(written.ok());
  return unit;
}

ptrdiff_t stride_of(const Dav1dPicture& picture, size_t plane) {
  return picture.stride[plane == 0 ? 0 : 1];
}

struct Tally {
  size_t filtered = 0;   // as our filter has it, and other than before
  size_t unchanged = 0;  // as before
  size_t wrong = 0;
};

// The whole blocks that the decoder has written, filtered by us.
struct Filtered {
  Filtered(const Case& chosen, const Dav1dPicture& before)
      : sample_bytes(chosen.wide ? 2 : 1),
        blocks((picture.blocks_across = (chosen.width + 7) / 8) *
                   (picture.block_rows = (chosen.height + 7) / 8),
               0) {
    picture.bit_depth = chosen.wide ? 10 : 8;
    picture.damping = chosen.cdef.damping_minus_3 + 3;
    picture.strengths[0] = {chosen.cdef.y_pri_strength[0], chosen.cdef.y_sec_strength[0],
                            chosen.cdef.uv_pri_strength[0], chosen.cdef.uv_sec_strength[0]};
    picture.blocks = blocks.data();
    for (size_t i = 0; i < 3; ++i) {
      const ptrdiff_t stride = stride_of(before, i);
      const size_t rows = picture.block_rows * block_size(i);
      planes[i].resize(static_cast<size_t>(stride) * rows);
      picture.from[i] = {before.data[i], stride};
      picture.to[i] = {planes[i].data(), stride};
    }
  }

  static size_t block_size(size_t plane) { return plane == 0 ? 8 : 4; }

  // Whether a block is the same in both, in all planes.
  static bool same(const std::array<const uint8_t*, 3>& a, const std::array<const uint8_t*, 3>& b,
                   const std::array<ptrdiff_t, 3>& strides, size_t sample_bytes) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t y = 0; y < block_size(i); ++y) {
        const ptrdiff_t row = static_cast<ptrdiff_t>(y) * strides[i];
        if (std::memcmp(a[i] + row, b[i] + row, block_size(i) * sample_bytes) != 0) return false;
      }
    }
    return true;
  }

  void count(const Dav1dPicture& before, const Dav1dPicture& after, Tally& tally) const {
    std::array<ptrdiff_t, 3> strides;
    for (size_t i = 0; i < 3; ++i) strides[i] = stride_of(before, i);
    for (size_t row = 0; row < picture.block_rows; ++row) {
      for (size_t column = 0; column < picture.blocks_across; ++column) {
        std::array<const uint8_t*, 3> ours, old, theirs;
        for (size_t i = 0; i < 3; ++i) {
          const size_t at = row * block_size(i) * static_cast<size_t>(strides[i]) +
                            column * block_size(i) * sample_bytes;
          ours[i] = planes[i].data() + at;
          old[i] = static_cast<const uint8_t*>(before.data[i]) + at;
          theirs[i] = static_cast<const uint8_t*>(after.data[i]) + at;
        }
        if (same(old, theirs, strides, sample_bytes)) {
          ++tally.unchanged;
        } else if (same(ours, theirs, strides, sample_bytes)) {
          ++tally.filtered;
        } else {
          ++tally.wrong;
        }
      }
    }
  }

  Av1CdefPicture picture;
  size_t sample_bytes;
  std::vector<uint8_t> blocks;
  std::array<std::vector<uint8_t>, 3> planes;
};

TEST_CASE("CDEF is dav1d's, bit for bit", "[cdef]") {
  for (const Substrate substrate : {Substrate::kScalar, Substrate::kSimd}) {
    const Av1CdefFunctions& functions = gpu_kernels::av1_cdef_functions(substrate);
    std::array<Tally, 2> tallies;
    for (uint32_t seed = 1; seed <= 60; ++seed) {
      Av1Random random(seed);
      const Case chosen = choose_case(random);
      const std::vector<uint8_t> unit = make_unit(chosen, random);
      const OwnedPicture before = decode(unit, false);
      const OwnedPicture after = decode(unit, true);
      REQUIRE(stride_of(*before, 0) == stride_of(*after, 0));
      REQUIRE(stride_of(*before, 1) == stride_of(*after, 1));
      Filtered ours(chosen, *before);
      REQUIRE(gpu_kernels::check_av1_cdef(ours.picture).ok());
      functions.rows(ours.picture, 0, ours.picture.block_rows);
      ours.count(*before, *after, tallies[chosen.wide]);
      CAPTURE(seed, chosen.width, chosen.height, chosen.wide);
      CHECK(tallies[chosen.wide].wrong == 0);
    }
    for (const Tally& tally : tallies) {
      CAPTURE(tally.filtered, tally.unchanged);
      CHECK(tally.filtered > 2000);
    }
  }
}

}  // namespace
}  // namespace daedalus::core::test
