// Whole pictures on the device on the CPU against the reference, and against it when calls fail.
#include "gpu_kernels/cdef/av1_vulkan.h"

#include <iterator>
#include <string>
#include <vector>

#include "gpu_kernels/cdef/av1_test_pictures.h"
#include "gpu_kernels/harness.h"
#include "gpu_kernels/vulkan/failing_twin.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using cdef_test::TestPicture;
using harness::Fill;
using harness::kFills;
using harness::Random;
using vulkan::Faults;
using vulkan::open_test_device;

TestPicture expected_of(const TestPicture& test) {
  TestPicture expected = test;
  expected.run(av1_cdef_functions(Substrate::kScalar));
  TestPicture by_simd = test;
  by_simd.run(av1_cdef_functions(Substrate::kSimd));
  CHECK(by_simd == expected);
  return expected;
}

TEST_CASE("Vulkan writes what the reference and SIMD write, and nothing else", "[cdef]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto cdef = VulkanAv1Cdef::create(device.device);
  REQUIRE(cdef.ok());
  Random random(11);
  for (int round = 0; round < 160; ++round) {
    TestPicture test = TestPicture::choose(random, kFills[round % std::size(kFills)]);
    const TestPicture expected = expected_of(test);
    REQUIRE((*cdef)->run(test.planes()).ok());
    const std::string what = test.described() + ", round " + std::to_string(round);
    if (!(test == expected)) FAIL(what);
  }
}

TEST_CASE("pictures of more than a workgroup are filtered too", "[cdef]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto cdef = VulkanAv1Cdef::create(device.device);
  REQUIRE(cdef.ok());
  Random random(12);
  // Ascending, so that memory of each holds anything: it may not matter.
  for (const cdef_test::Shape& shape :
       {cdef_test::Shape{8, 8, 10}, {33, 8, 8}, {9, 33, 10}, {168, 9, 10}, {240, 135, 8}}) {
    TestPicture test(shape);
    test.picture.strengths = {{{15, 4, 15, 4}, {3, 1, 0, 2}, {0, 2, 6, 0}}};
    for (size_t i = 0; i < test.blocks.size(); ++i) test.blocks[i] = static_cast<uint8_t>(i % 3);
    test.fill(Fill::kNear, random);
    const TestPicture expected = expected_of(test);
    REQUIRE((*cdef)->run(test.planes()).ok());
    CHECK(test == expected);
  }
}

TEST_CASE("what the GPU cannot take is refused", "[cdef]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto cdef = VulkanAv1Cdef::create(device.device);
  REQUIRE(cdef.ok());
  TestPicture test({1, 1, 8});
  test.picture.damping = 7;
  const Status refused = (*cdef)->run(test.planes());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);

  // No sample is touched before the size is known to fit.
  const std::vector<uint8_t> blocks(size_t{1024} * 1024, kAv1CdefSkipped);
  Av1CdefPicture large;
  large.blocks_across = large.block_rows = 1024;
  large.blocks = blocks.data();
  const Status too_large = (*cdef)->run(large);
  REQUIRE_FALSE(too_large.ok());
  CHECK(too_large.error().code == ErrorCode::kUnsupported);
}

// A device whose calls can fail, and its CDEF.
using Failing = vulkan::FailingTwin<VulkanAv1Cdef>;

TEST_CASE("a failure of any call is an error, never a wrong picture", "[cdef]") {
  Faults faults;
  Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  REQUIRE(failing.twin != nullptr);
  Random random(13);
  uint32_t width = 0;
  const auto use = [&] {
    // Larger than all before: memory is allocated anew.
    TestPicture test({++width * 8, 1, 10});
    test.picture.strengths[0] = {7, 2, 5, 1};
    test.fill(Fill::kNear, random);
    const TestPicture expected = expected_of(test);
    const bool filtered = failing.twin->run(test.planes()).ok();
    CHECK(filtered == !faults.happened());
    if (filtered) CHECK(test == expected);
    if (!failing.device().usable()) return;
    faults.withdraw();
    REQUIRE(failing.twin->run(test.planes()).ok());
    CHECK(test == expected);
  };
  failing.fail_each_call(faults, use, /*imports=*/false);
}

TEST_CASE("a device that is lost is not asked again", "[cdef]") {
  Faults faults;
  const Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  REQUIRE(failing.twin != nullptr);
  faults.order("vkQueueSubmit", 0, VK_ERROR_DEVICE_LOST);
  TestPicture test({2, 2, 8});
  CHECK_FALSE(failing.twin->run(test.planes()).ok());
  CHECK_FALSE(failing.device().usable());
  const Status again = failing.twin->run(test.planes());
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace daedalus::gpu_kernels
