// Our film grain against dav1d's (dav1d_apply_grain), over random parameters, sizes and samples.
#include "decode_core/film_grain.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <dav1d/dav1d.h>
}

#include "decode_core/core.h"
#include "decode_core/job.h"
#include "decode_core/output/output_pass.h"
#include "decode_core/planar_frame.h"
#include "decode_core/record/recording.h"
#include "decode_core/software/dav1d/rewrite/av1_units.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/substrate.h"
#include "test/catch.h"
#include "test/decode_core/av1_frames.h"
#include "test/decode_core/jobs.h"
#include "test/decode_core/reference_image.h"

namespace daedalus::core::test {
namespace {

using gpu_kernels::Band;
using gpu_kernels::SourcePlane;
using gpu_kernels::Substrate;
using gpu_kernels::TargetPlane;
using rewrite::test::Av1Random;

// With which both stages of the output pass run so.
std::shared_ptr<Core> make_core(Substrate substrate) {
  Settings settings;
  settings.threads = 1;
  settings.substrate.set(gpu_kernels::Stage::kPack, substrate);
  settings.substrate.set(gpu_kernels::Stage::kFilmGrain, substrate);
  return Core::create(settings);
}

struct CloseDecoder {
  void operator()(Dav1dContext* decoder) const { dav1d_close(&decoder); }
};
using Dav1d = std::unique_ptr<Dav1dContext, CloseDecoder>;

struct UnrefPicture {
  void operator()(Dav1dPicture* picture) const {
    dav1d_picture_unref(picture);
    delete picture;
  }
};
using OwnedPicture = std::unique_ptr<Dav1dPicture, UnrefPicture>;

Dav1d make_dav1d() {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.apply_grain = 0;
  settings.output_invisible_frames = 1;  // we write headers of no others
  Dav1dContext* decoder = nullptr;
  REQUIRE(dav1d_open(&decoder, &settings) == 0);
  return Dav1d(decoder);
}

struct Size {
  uint32_t width;
  uint32_t height;
  bool wide;  // 10 bits
  bool monochrome;
};

// A key frame of that size: dav1d adds grain only to pictures that it has decoded.
OwnedPicture decode_picture(Dav1dContext* dav1d, const Size& size, Av1Random& random) {
  const DecodeJob job = make_job(Codec::kAv1, size.width, size.height);
  auto parameters = std::get<Av1Parameters>(job.parameters);
  parameters.sequence.bit_depth = size.wide ? 10 : 8;
  parameters.frame.tile_info.flags = V4L2_AV1_TILE_INFO_FLAG_UNIFORM_TILE_SPACING;
  if (size.monochrome) parameters.sequence.flags |= V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME;
  const std::vector<uint8_t> tile = random.bytes(200'000);
  const std::array<std::span<const uint8_t>, 1> tiles = {tile};
  std::vector<uint8_t> unit;
  rewrite::append_av1_temporal_delimiter(unit);
  rewrite::append_av1_sequence_header(parameters.sequence, unit);
  const auto written =
      rewrite::append_av1_frame({parameters.sequence, parameters.frame, {}, 0xff, {}}, tiles, unit);
  INFO((written.ok() ? "" : written.error().message));
  REQUIRE(written.ok());
  Dav1dData data{};
  std::copy(unit.begin(), unit.end(), dav1d_data_create(&data, unit.size()));
  REQUIRE(dav1d_send_data(dav1d, &data) == 0);
  OwnedPicture picture(new Dav1dPicture{});
  REQUIRE(dav1d_get_picture(dav1d, picture.get()) == 0);
  REQUIRE(picture->p.w == static_cast<int>(size.width));
  REQUIRE(picture->p.h == static_cast<int>(size.height));
  return picture;
}

FrameView view_of(const Dav1dPicture& picture) {
  FrameView view{picture.p.bpc > 8 ? SampleFormat::kI42010 : SampleFormat::kI420,
                 static_cast<uint32_t>(picture.p.w),
                 static_cast<uint32_t>(picture.p.h),
                 {}};
  for (size_t i = 0; i < 3; ++i) {
    view.planes[i] = {static_cast<uint8_t*>(picture.data[i]),
                      static_cast<size_t>(picture.stride[i == 0 ? 0 : 1])};
  }
  return view;
}

uint32_t width_of(const FrameView& view, size_t plane) {
  return plane == 0 ? view.width : (view.width + 1) / 2;
}
uint32_t height_of(const FrameView& view, size_t plane) {
  return plane == 0 ? view.height : (view.height + 1) / 2;
}
size_t sample_bytes(const FrameView& view) { return view.format == SampleFormat::kI42010 ? 2 : 1; }

// Random, near one value, or the ends of the range.
void fill(const FrameView& view, Av1Random& random) {
  const int most = view.format == SampleFormat::kI42010 ? 1023 : 255;
  for (size_t plane = 0; plane < 3 && view.planes[plane].data != nullptr; ++plane) {
    const int kind = random.in(0, 2);
    const int base = random.in(0, most);
    for (uint32_t y = 0; y < height_of(view, plane); ++y) {
      uint8_t* row = view.planes[plane].data + y * view.planes[plane].stride;
      for (uint32_t x = 0; x < width_of(view, plane); ++x) {
        const int value = kind == 0   ? random.in(0, most)
                          : kind == 1 ? std::clamp(base + random.in(-8, 8), 0, most)
                                      : random.in(0, 1) * most;
        if (most > 255) {
          reinterpret_cast<uint16_t*>(row)[x] = static_cast<uint16_t>(value);
        } else {
          row[x] = static_cast<uint8_t>(value);
        }
      }
    }
  }
}

uint8_t byte(Av1Random& random, int low, int high) {
  return static_cast<uint8_t>(random.in(low, high));
}

uint8_t choose_points(Av1Random& random, int most, std::span<uint8_t> values,
                      std::span<uint8_t> scalings) {
  std::vector<uint8_t> all(256);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  const size_t count = static_cast<size_t>(random.in(0, most));
  for (size_t i = 0; i < count; ++i) {
    std::swap(all[i], all[static_cast<size_t>(random.in(static_cast<int>(i), 255))]);
    scalings[i] = random.coin() ? byte(random, 0, 255) : byte(random, 0, 60);
  }
  if (count != 0 && random.coin()) all[0] = 0;
  std::sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count));
  const auto end = std::unique(all.begin(), all.begin() + static_cast<ptrdiff_t>(count));
  std::copy(all.begin(), end, values.begin());
  return static_cast<uint8_t>(end - all.begin());
}

void choose_coeffs(Av1Random& random, std::span<uint8_t> plus_128) {
  const int most = random.coin() ? 127 : 12;
  for (uint8_t& coeff : plus_128) coeff = byte(random, 128 - most, 128 + most);
}

v4l2_ctrl_av1_film_grain choose_grain(Av1Random& random) {
  v4l2_ctrl_av1_film_grain grain{};
  grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN;
  if (random.in(0, 3) != 0) grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP;
  if (random.in(0, 2) == 0) grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA;
  if (random.in(0, 2) == 0) grain.flags |= V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE;
  grain.grain_seed = static_cast<uint16_t>(random.in(0, 65535));
  grain.num_y_points = choose_points(random, 14, grain.point_y_value, grain.point_y_scaling);
  grain.num_cb_points = choose_points(random, 10, grain.point_cb_value, grain.point_cb_scaling);
  grain.num_cr_points = choose_points(random, 10, grain.point_cr_value, grain.point_cr_scaling);
  // As the syntax of 4:2:0 has it (5.9.30).
  if ((grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA) != 0 ||
      grain.num_y_points == 0) {
    grain.num_cb_points = grain.num_cr_points = 0;
  }
  grain.grain_scaling_minus_8 = byte(random, 0, 3);
  grain.ar_coeff_lag = byte(random, 0, 3);
  choose_coeffs(random, grain.ar_coeffs_y_plus_128);
  choose_coeffs(random, grain.ar_coeffs_cb_plus_128);
  choose_coeffs(random, grain.ar_coeffs_cr_plus_128);
  grain.ar_coeff_shift_minus_6 = byte(random, 0, 3);
  grain.grain_scale_shift = byte(random, 0, 3);
  grain.cb_mult = byte(random, 0, 255);
  grain.cb_luma_mult = byte(random, 0, 255);
  grain.cb_offset = static_cast<uint16_t>(random.in(0, 511));
  grain.cr_mult = byte(random, 0, 255);
  grain.cr_luma_mult = byte(random, 0, 255);
  grain.cr_offset = static_cast<uint16_t>(random.in(0, 511));
  return grain;
}

void copy_points(std::span<const uint8_t> values, std::span<const uint8_t> scalings, int count,
                 uint8_t (*points)[2]) {
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    points[i][0] = values[i];
    points[i][1] = scalings[i];
  }
}

void copy_coeffs(std::span<const uint8_t> plus_128, int8_t* coeffs) {
  for (size_t i = 0; i < plus_128.size(); ++i) coeffs[i] = static_cast<int8_t>(plus_128[i] - 128);
}

Dav1dFilmGrainData for_dav1d(const v4l2_ctrl_av1_film_grain& grain, bool monochrome) {
  Dav1dFilmGrainData data{};
  data.seed = grain.grain_seed;
  data.num_y_points = grain.num_y_points;
  copy_points(grain.point_y_value, grain.point_y_scaling, grain.num_y_points, data.y_points);
  data.scaling_shift = grain.grain_scaling_minus_8 + 8;
  data.ar_coeff_lag = grain.ar_coeff_lag;
  copy_coeffs(std::span(grain.ar_coeffs_y_plus_128).first<24>(), data.ar_coeffs_y);
  data.ar_coeff_shift = grain.ar_coeff_shift_minus_6 + 6u;
  data.grain_scale_shift = grain.grain_scale_shift;
  data.overlap_flag = (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP) != 0;
  data.clip_to_restricted_range =
      (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CLIP_TO_RESTRICTED_RANGE) != 0;
  if (monochrome) return data;
  data.chroma_scaling_from_luma =
      (grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_CHROMA_SCALING_FROM_LUMA) != 0;
  data.num_uv_points[0] = grain.num_cb_points;
  data.num_uv_points[1] = grain.num_cr_points;
  copy_points(grain.point_cb_value, grain.point_cb_scaling, grain.num_cb_points, data.uv_points[0]);
  copy_points(grain.point_cr_value, grain.point_cr_scaling, grain.num_cr_points, data.uv_points[1]);
  copy_coeffs(grain.ar_coeffs_cb_plus_128, data.ar_coeffs_uv[0]);
  copy_coeffs(grain.ar_coeffs_cr_plus_128, data.ar_coeffs_uv[1]);
  data.uv_mult[0] = grain.cb_mult - 128;
  data.uv_mult[1] = grain.cr_mult - 128;
  data.uv_luma_mult[0] = grain.cb_luma_mult - 128;
  data.uv_luma_mult[1] = grain.cr_luma_mult - 128;
  data.uv_offset[0] = grain.cb_offset - 256;
  data.uv_offset[1] = grain.cr_offset - 256;
  return data;
}

OwnedPicture apply_by_dav1d(Dav1dContext* dav1d, const Dav1dPicture& clean,
                            const Dav1dFilmGrainData& data) {
  Dav1dFrameHeader header = *clean.frame_hdr;
  header.film_grain.data = data;
  Dav1dPicture with_header = clean;
  with_header.frame_hdr = &header;
  OwnedPicture grained(new Dav1dPicture{});
  REQUIRE(dav1d_apply_grain(dav1d, grained.get(), &with_header) == 0);
  return grained;
}

// All planes, rows without padding.
using Samples = std::array<std::vector<uint8_t>, 3>;

Samples samples_of(const FrameView& view) {
  Samples samples;
  for (size_t plane = 0; plane < 3 && view.planes[plane].data != nullptr; ++plane) {
    const size_t row_bytes = width_of(view, plane) * sample_bytes(view);
    for (uint32_t y = 0; y < height_of(view, plane); ++y) {
      const uint8_t* row = view.planes[plane].data + y * view.planes[plane].stride;
      samples[plane].insert(samples[plane].end(), row, row + row_bytes);
    }
  }
  return samples;
}

Samples apply_by_kernels(const FrameView& clean, const v4l2_ctrl_av1_film_grain& parameters,
                         bool monochrome, Substrate substrate) {
  const auto grain = prepare_film_grain(parameters, clean, monochrome);
  REQUIRE(grain.ok());
  const auto& functions = gpu_kernels::av1_film_grain_functions(substrate);
  Samples samples = samples_of(clean);
  std::array<SourcePlane, 3> from;
  std::array<TargetPlane, 3> to;
  for (size_t i = 0; i < 3; ++i) {
    from[i] = {clean.planes[i].data, static_cast<ptrdiff_t>(clean.planes[i].stride)};
    to[i] = {samples[i].data(), static_cast<ptrdiff_t>(width_of(clean, i) * sample_bytes(clean))};
  }
  const bool wide = clean.format == SampleFormat::kI42010;
  const gpu_kernels::Av1GrainWindow luma = {0, 0, Band{clean.width, 0, clean.height}};
  const gpu_kernels::Av1GrainWindow chroma = {0, 0,
                                              Band{width_of(clean, 1), 0, height_of(clean, 1)}};
  if ((*grain)->applies_to_luma()) {
    (wide ? functions.luma_10 : functions.luma_8)(**grain, from[0], to[0], luma);
  }
  if ((*grain)->applies_to_chroma()) {
    (wide ? functions.chroma_10 : functions.chroma_8)(**grain, from, to[1], to[2], chroma);
  }
  return samples;
}

// dav1d 1.0 does not see that there is something to clip.
bool only_clips(const Dav1dFilmGrainData& data) {
  return data.num_y_points == 0 && data.chroma_scaling_from_luma != 0;
}

Size choose_size(Av1Random& random) {
  const int most = random.in(0, 9) == 0 ? 1200 : random.coin() ? 40 : 150;
  return {static_cast<uint32_t>(random.in(1, most)), static_cast<uint32_t>(random.in(1, 120)),
          random.coin(), random.in(0, 9) == 0};
}

TEST_CASE("film grain is dav1d's, whatever the parameters, the size and the samples") {
  constexpr int kSizes = 300;
  constexpr int kGrainsPerSize = 12;
  const Dav1d dav1d = make_dav1d();
  Av1Random random(1);
  int compared = 0;
  for (int i = 0; i < kSizes; ++i) {
    const Size size = choose_size(random);
    const OwnedPicture picture = decode_picture(dav1d.get(), size, random);
    const FrameView clean = view_of(*picture);
    for (int j = 0; j < kGrainsPerSize; ++j) {
      const v4l2_ctrl_av1_film_grain grain = choose_grain(random);
      const Dav1dFilmGrainData data = for_dav1d(grain, size.monochrome);
      if (only_clips(data)) continue;
      fill(clean, random);
      const Samples before = samples_of(clean);
      const OwnedPicture grained = apply_by_dav1d(dav1d.get(), *picture, data);
      const Samples expected = samples_of(view_of(*grained));
      for (const Substrate substrate : {Substrate::kScalar, Substrate::kSimd}) {
        const Samples actual = apply_by_kernels(clean, grain, size.monochrome, substrate);
        for (size_t plane = 0; plane < 3; ++plane) {
          INFO("size " << i << ": " << size.width << "x" << size.height << ", wide " << size.wide
                       << ", monochrome " << size.monochrome << ", grain " << j << ", plane "
                       << plane << ", substrate " << static_cast<int>(substrate));
          REQUIRE(actual[plane] == expected[plane]);
        }
      }
      CHECK(samples_of(clean) == before);
      ++compared;
    }
  }
  CHECK(compared > 2500);
}

TEST_CASE("hostile film grain is refused, and nothing is read beyond the client's arrays") {
  const FrameBuffer frame = make_frame(SampleFormat::kI420, 64, 48, 1);
  Av1Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    v4l2_ctrl_av1_film_grain grain;
    const std::vector<uint8_t> bytes = random.bytes(sizeof grain);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&grain));
    const auto prepared = prepare_film_grain(grain, frame.view, false);
    if (!prepared.ok()) CHECK(prepared.error().code == ErrorCode::kInvalidArgument);
  }
  v4l2_ctrl_av1_film_grain grain = choose_grain(random);
  CHECK(prepare_film_grain(grain, frame.view, false).ok());
  grain.num_cr_points = 255;
  CHECK_FALSE(prepare_film_grain(grain, frame.view, false).ok());
}

TEST_CASE("a frame that is to get film grain has it wherever it is read") {
  Av1Random random(3);
  const auto cores = {make_core(Substrate::kScalar), make_core(Substrate::kSimd)};
  for (int i = 0; i < 60; ++i) {
    const auto format = random.coin() ? SampleFormat::kI420 : SampleFormat::kI42010;
    const auto width = static_cast<uint32_t>(random.in(1, 150));
    const auto height = static_cast<uint32_t>(random.in(1, 150));
    const FrameBuffer clean = make_frame(format, width, height, i);
    const v4l2_ctrl_av1_film_grain grain = choose_grain(random);
    const bool monochrome = random.in(0, 4) == 0;
    const auto frame = with_film_grain(clean, grain, monochrome);
    REQUIRE(frame.ok());
    const auto grained = add_film_grain(*frame);
    REQUIRE(grained.ok());
    CHECK(grained->view.film_grain == nullptr);
    CHECK(samples_of(grained->view) ==
          apply_by_kernels(clean.view, grain, monochrome, Substrate::kScalar));
    CHECK(hash_frame(frame->view) == hash_frame(grained->view));
    const Rect all{0, 0, width, height};
    const auto x = static_cast<uint32_t>(random.in(0, 20)) * 2;
    const auto y = static_cast<uint32_t>(random.in(0, 20)) * 2;
    for (const Rect& from : {all, Rect{x, y, width, height}}) {
      for (const ImageFormat to : kImageFormats) {
        if (!output_pass_supports(format, to)) continue;
        const LinearLayout layout = layout_of(to, from.width, from.height);
        for (const auto& core : cores) {
          std::vector<uint8_t> image = untouched_image(layout);
          const StageRun run = run_output_pass(*core, frame->view, from, to, layout, image.data());
          const Substrate asked = core->settings().substrate.of(gpu_kernels::Stage::kFilmGrain);
          CHECK(run.stage == "film_grain");
          CHECK(run.substrate == gpu_kernels::av1_film_grain_functions(asked).target);
          CHECK(difference(grained->view, from, to, layout, image).empty());
        }
      }
    }
  }
}

// Both ways from a clean picture to a client's NV12 or P010, on one thread: dav1d_apply_grain and
// the output pass, against the output pass that adds the grain itself.
TEST_CASE("speed of film grain in the output pass against dav1d's before it", "[.bench]") {
  constexpr uint32_t kWidth = 1920;
  constexpr uint32_t kHeight = 1080;
  const Dav1d dav1d = make_dav1d();
  Av1Random random(4);
  const auto core = make_core(Substrate::kSimd);
  for (const bool wide : {false, true}) {
    const OwnedPicture picture =
        decode_picture(dav1d.get(), {kWidth, kHeight, wide, false}, random);
    const FrameView view = view_of(*picture);
    for (size_t plane = 0; plane < 3; ++plane) {
      for (uint32_t y = 0; y < height_of(view, plane); ++y) {
        for (uint32_t x = 0; x < width_of(view, plane); ++x) {
          const int value = 60 + static_cast<int>((x + y) / 24 + random.in(0, 5)) % 150;
          uint8_t* row = view.planes[plane].data + y * view.planes[plane].stride;
          if (wide) {
            reinterpret_cast<uint16_t*>(row)[x] = static_cast<uint16_t>(value * 4);
          } else {
            row[x] = static_cast<uint8_t>(value);
          }
        }
      }
    }
    v4l2_ctrl_av1_film_grain grain{};
    grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN | V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP;
    grain.grain_seed = 1234;
    grain.num_y_points = grain.num_cb_points = grain.num_cr_points = 2;
    grain.point_y_value[1] = grain.point_cb_value[1] = grain.point_cr_value[1] = 255;
    grain.point_y_scaling[0] = grain.point_cb_scaling[0] = grain.point_cr_scaling[0] = 40;
    grain.point_y_scaling[1] = grain.point_cb_scaling[1] = grain.point_cr_scaling[1] = 90;
    grain.grain_scaling_minus_8 = 2;
    grain.ar_coeff_lag = 3;
    choose_coeffs(random, grain.ar_coeffs_y_plus_128);
    grain.ar_coeff_shift_minus_6 = 3;
    grain.cb_luma_mult = grain.cr_luma_mult = 192;
    grain.cb_mult = grain.cr_mult = 128;
    grain.cb_offset = grain.cr_offset = 256;
    const Dav1dFilmGrainData data = for_dav1d(grain, false);
    const ImageFormat format = wide ? ImageFormat::kP010 : ImageFormat::kNv12;
    const LinearLayout layout = layout_of(format, kWidth, kHeight);
    std::vector<uint8_t> by_dav1d(layout.size);
    std::vector<uint8_t> fused(layout.size);
    const Rect all{0, 0, kWidth, kHeight};
    const auto seconds = [](const auto& run) {
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < 8; ++i) run();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 8;
    };
    std::array<double, 11> ratios;
    double best = 1;
    for (double& ratio : ratios) {
      const double before = seconds([&] {
        const OwnedPicture grained = apply_by_dav1d(dav1d.get(), *picture, data);
        run_output_pass(*core, view_of(*grained), all, format, layout, by_dav1d.data(),
                        PassThreads::kCaller);
      });
      const double after = seconds([&] {
        const auto frame = with_film_grain({view, nullptr}, grain, false);
        run_output_pass(*core, frame->view, all, format, layout, fused.data(),
                        PassThreads::kCaller);
      });
      ratio = before / after;
      best = std::min(best, after);
    }
    std::sort(ratios.begin(), ratios.end());
    std::printf("%s: dav1d and pack / fused %.2f (fused: %.2f ms)\n", wide ? "P010" : "NV12",
                ratios[ratios.size() / 2], best * 1e3);
    CHECK((by_dav1d == fused));
  }
}

}  // namespace
}  // namespace daedalus::core::test
