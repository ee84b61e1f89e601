// Whole pictures on the device on the CPU against the reference, and against it when calls fail.
#include "gpu_kernels/idct/h264_vulkan.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/idct/h264_test_residuals.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using harness::draw;
using harness::Fill;
using harness::kFills;
using harness::Random;
using idct_test::kValues;
using idct_test::Values;
using vulkan::Faults;
using vulkan::open_test_device;

// A picture, rows of luma and then of pairs as on the device, and what is added to it. `odds`: one
// of so many macroblocks has no residual.
class TestPicture {
 public:
  TestPicture(uint32_t across, uint32_t down, Random& random, Fill fill, Values values, int odds)
      : layout{across * 16, down * 16}, samples({layout.stride(), layout.height * 3 / 2}) {
    samples.fill(fill, random);
    coefficients_.reserve(size_t{across} * down);
    for (uint32_t y = 0; y < down; ++y) {
      for (uint32_t x = 0; x < across; ++x) {
        if (draw(random, 1, odds) == 1) continue;
        std::vector<int16_t>& coefficients = coefficients_.emplace_back();
        const bool transform_8x8 = draw(random, 0, 1) != 0;
        residuals.push_back(
            {idct_test::residual_of(values, transform_8x8, random, coefficients), x, y});
      }
    }
  }

  harness::Plane added(Substrate substrate) const {
    harness::Plane to = samples;
    std::vector<H264ResidualMacroblock> macroblocks;
    for (const H264PlacedResidual& placed : residuals) {
      const size_t chroma_row = layout.height + size_t{placed.y} * 8;
      macroblocks.push_back({placed.residual,
                             {to.row(size_t{placed.y} * 16) + placed.x * 16,
                              to.row(chroma_row) + placed.x * 16, to.stride(), to.stride()}});
    }
    h264_idct_functions(substrate).add_macroblocks(macroblocks.data(), macroblocks.size());
    return to;
  }

  H264DevicePicture layout;
  harness::Plane samples;
  std::vector<H264PlacedResidual> residuals;

 private:
  std::vector<std::vector<int16_t>> coefficients_;
};

harness::Plane expected_of(const TestPicture& test) {
  harness::Plane expected = test.added(Substrate::kScalar);
  CHECK(test.added(Substrate::kSimd) == expected);
  return expected;
}

// A device and its inverse transforms; where `device` is null, nothing else is there.
struct Stage {
  explicit Stage(const vulkan::DeviceOptions& options) {
    auto opened = open_test_device(options);
    device = std::move(opened.device);
    reason = std::move(opened.reason);
    if (device == nullptr) return;
    auto made_idct = VulkanH264Idct::create(*device);
    REQUIRE(made_idct.ok());
    idct = std::move(*made_idct);
    auto made_batch = vulkan::Batch::create(*device);
    REQUIRE(made_batch.ok());
    batch = std::move(*made_batch);
  }

  // Makes the samples of `result` what they are with the residual.
  Status run(const TestPicture& test, harness::Plane& result) {
    const size_t bytes = test.layout.spare();
    if (Status made = samples.make(*device, test.layout.bytes()); !made.ok()) return made;
    std::copy_n(test.samples.row(0), bytes, samples.as<uint8_t>());
    if (Status begun = batch->begin(); !begun.ok()) return begun;
    Status status = idct->add(test.residuals, test.layout, samples.array(), *batch);
    if (status.ok()) status = batch->run();
    if (status.ok()) std::copy_n(samples.as<uint8_t>(), bytes, result.row(0));
    return status;
  }

  std::string reason;
  std::shared_ptr<vulkan::Device> device;
  std::unique_ptr<VulkanH264Idct> idct;
  std::unique_ptr<vulkan::Batch> batch;
  vulkan::Room samples;
};

TEST_CASE("Vulkan adds what the reference and SIMD add", "[idct]") {
  Stage stage(vulkan::test_options());
  if (stage.device == nullptr) DAEDALUS_SKIP(stage.reason);
  Random random(21);
  for (int round = 0; round < 120; ++round) {
    const TestPicture test(static_cast<uint32_t>(draw(random, 1, 9)),
                           static_cast<uint32_t>(draw(random, 1, 6)), random,
                           kFills[round % std::size(kFills)], kValues[round % std::size(kValues)],
                           round % 3 + 2);
    harness::Plane result = test.samples;
    REQUIRE(stage.run(test, result).ok());
    if (!(result == expected_of(test))) FAIL("round " << round);
  }
}

TEST_CASE("large pictures, and those where nothing is added", "[idct]") {
  Stage stage(vulkan::test_options());
  if (stage.device == nullptr) DAEDALUS_SKIP(stage.reason);
  Random random(22);
  TestPicture test(120, 68, random, Fill::kNear, Values::kSparse, 9);
  harness::Plane result = test.samples;
  REQUIRE(stage.run(test, result).ok());
  CHECK(result == expected_of(test));
  test.residuals.clear();
  REQUIRE(stage.run(test, result).ok());
  CHECK(result == test.samples);
}

TEST_CASE("what the GPU cannot take is refused", "[idct]") {
  Stage stage(vulkan::test_options());
  if (stage.device == nullptr) DAEDALUS_SKIP(stage.reason);
  Random random(23);
  TestPicture test(1, 1, random, Fill::kSame, Values::kSmall, 9);
  // No coefficient is looked at before their number is known to fit.
  const std::vector<int16_t> none(16);
  test.residuals.assign(300'000, {{0xFFFF, 0, false, none.data()}, 0, 0});
  harness::Plane result = test.samples;
  const Status refused = stage.run(test, result);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a failure of any call is an error, never a wrong picture", "[idct]") {
  Faults faults;
  auto stage = std::make_unique<Stage>(Faults::options());
  if (stage->device == nullptr) DAEDALUS_SKIP(stage->reason);
  Random random(24);
  uint32_t width = 0;
  for (const std::string_view call : Faults::calls()) {
    if (call == "vkGetMemoryHostPointerPropertiesEXT") continue;  // nothing is imported
    const std::string name(call);
    CAPTURE(name);
    int happened = faults.order_each(call, [&] {
      const bool created = VulkanH264Idct::create(*stage->device).ok();
      CHECK(created == !faults.happened());
    });
    happened += faults.order_each(call, [&] {
      if (!stage->device->usable()) stage = std::make_unique<Stage>(Faults::options());
      // Larger than all before: memory is allocated anew.
      const TestPicture test(++width * 4, 1, random, Fill::kNear, Values::kSmall, 9);
      const harness::Plane expected = expected_of(test);
      harness::Plane result = test.samples;
      const bool added = stage->run(test, result).ok();
      CHECK(added == !faults.happened());
      CHECK(result == (added ? expected : test.samples));
      if (!stage->device->usable()) return;
      faults.withdraw();
      REQUIRE(stage->run(test, result).ok());
      CHECK(result == expected);
    });
    // Those of the batch that only the fixture calls are left out.
    if (name == "vkCreateCommandPool" || name == "vkAllocateCommandBuffers" ||
        name == "vkCreateDescriptorPool" || name == "vkCreateFence") {
      continue;
    }
    CHECK(happened > 0);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
