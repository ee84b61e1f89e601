#include "decode_core/output/output_pass.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/core.h"
#include "gpu_kernels/pack/pack.h"
#include "test/catch.h"
#include "test/decode_core/jobs.h"
#include "test/decode_core/reference_image.h"

namespace daedalus::core::test {
namespace {

using gpu_kernels::Substrate;

const std::vector<SampleFormat> kSampleFormats = {SampleFormat::kI420, SampleFormat::kI42010,
                                                  SampleFormat::kNv12, SampleFormat::kP010};

// One core a kind of kernel.
class Cores {
 public:
  explicit Cores(int threads) {
    Settings settings;
    settings.threads = threads;
    for (auto& [substrate, core] : cores_) {
      settings.substrate.set(gpu_kernels::Stage::kPack, substrate);
      core = Core::create(settings);
    }
  }

  auto begin() const { return cores_.begin(); }
  auto end() const { return cores_.end(); }

 private:
  std::array<std::pair<Substrate, std::shared_ptr<Core>>, 2> cores_ = {
      {{Substrate::kScalar, nullptr}, {Substrate::kSimd, nullptr}}};
};

// Packs `from` of `frame` into an image of its own size in every format that it supports, with each
// kind of kernel; the first difference to the reference.
std::string first_difference(const Cores& cores, const FrameBuffer& frame, const Rect& from) {
  for (const ImageFormat format : kImageFormats) {
    if (!output_pass_supports(frame.view.format, format)) continue;
    const LinearLayout layout = layout_of(format, from.width, from.height);
    for (const auto& [substrate, core] : cores) {
      std::vector<uint8_t> image = untouched_image(layout);
      // A core has as many workers as the machine has cores.
      const bool one = core->settings().threads == 1;
      const StageRun run = run_output_pass(*core, frame.view, from, format, layout, image.data(),
                                           one ? PassThreads::kCaller : PassThreads::kWorkers);
      if (run.substrate != gpu_kernels::pack_functions(substrate).target)
        return "not the kernels asked for";
      const std::string found = difference(frame.view, from, format, layout, image);
      if (!found.empty()) {
        return found + ", image format " + std::to_string(static_cast<int>(format)) +
               (substrate == Substrate::kScalar ? ", scalar" : ", simd");
      }
    }
  }
  return {};
}

TEST_CASE("pictures become images of their own depth only") {
  for (const SampleFormat from : kSampleFormats) {
    for (const ImageFormat to : kImageFormats) {
      CHECK(output_pass_supports(from, to) ==
            ((from == SampleFormat::kI42010 || from == SampleFormat::kP010) ==
             (to == ImageFormat::kP010)));
    }
  }
}

TEST_CASE("whole pictures of every format and odd size are packed as the reference says") {
  const Cores cores(2);
  uint32_t seed = 1;
  for (const SampleFormat format : kSampleFormats) {
    for (const uint32_t width : {1, 2, 3, 15, 16, 17, 31, 33, 64, 65, 130}) {
      for (const uint32_t height : {1, 2, 3, 8, 17}) {
        const FrameBuffer frame = make_frame(format, width, height, seed++);
        INFO(width << "x" << height << ", format " << static_cast<int>(format));
        REQUIRE(first_difference(cores, frame, {0, 0, width, height}) == "");
      }
    }
  }
}

TEST_CASE("any crop is packed as the reference says, black beyond the picture") {
  const Cores cores(2);
  const std::vector<Rect> crops = {
      {0, 0, 7, 5},   {2, 2, 30, 20},   {4, 0, 37, 29}, {1, 1, 8, 8},    {3, 5, 9, 9},
      {0, 0, 60, 40}, {30, 20, 20, 20}, {36, 28, 6, 6}, {37, 29, 10, 4}, {38, 0, 4, 4},
      {0, 30, 4, 4},  {500, 500, 6, 6}, {0, 0, 0, 4},   {0, 0, 4, 0},    {36, 0, 1, 40}};
  uint32_t seed = 100;
  for (const SampleFormat format : kSampleFormats) {
    const FrameBuffer frame = make_frame(format, 37, 29, seed++);
    for (const Rect& crop : crops) {
      INFO(crop.width << "x" << crop.height << " at " << crop.x << ", " << crop.y << ", format "
                      << static_cast<int>(format));
      REQUIRE(first_difference(cores, frame, crop) == "");
    }
  }
}

TEST_CASE("a frame without samples makes a black image") {
  const Cores cores(2);
  for (const SampleFormat format : kSampleFormats) {
    const FrameBuffer nothing{{format, 0, 0, {}}, nullptr};
    CHECK(first_difference(cores, nothing, {0, 0, 33, 17}) == "");
    CHECK(first_difference(cores, nothing, {6, 4, 8, 8}) == "");
  }
}

TEST_CASE("bands of many workers meet without a gap") {
  uint32_t seed = 200;
  for (const int threads : {1, 2, 7}) {
    const Cores cores(threads);
    for (const SampleFormat format : kSampleFormats) {
      // Some more than a band's worth for each, heights that do not divide.
      const FrameBuffer frame = make_frame(format, 1033, 641, seed++);
      INFO(threads << " threads, format " << static_cast<int>(format));
      REQUIRE(first_difference(cores, frame, {20, 10, 1029, 639}) == "");
    }
  }
}

}  // namespace
}  // namespace daedalus::core::test
