// Whole pictures on the device on the CPU against the reference, and against it when calls fail.
#include "gpu_kernels/pack/pack_vulkan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gpu_kernels/vulkan/failing_twin.h"
#include "gpu_kernels/vulkan/late_work.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan/test_planes.h"
#include "hwy/targets.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using std::chrono::milliseconds;
using vulkan::Faults;
using Failing = vulkan::FailingTwin<VulkanPack>;
using vulkan::LateWork;
using vulkan::open_test_device;
using namespace vulkan::test_planes;

using Clock = std::chrono::steady_clock;

struct Size {
  uint32_t luma_width, luma_height, chroma_width, chroma_height;
};

Size picture_size(uint32_t width, uint32_t height) {
  return {width, height, chroma_420(width), chroma_420(height)};
}

uint32_t sample_bytes(int bit_depth) { return bit_depth > 8 ? 2 : 1; }

// A picture and what is made of it.
struct TestPicture {
  TestPicture(const Size& picture, int depth, const Memory& from, const Memory& to)
      : size(picture),
        bit_depth(depth),
        y(size.luma_width * sample_bytes(depth), size.luma_height, from),
        u(size.chroma_width * sample_bytes(depth), size.chroma_height, from),
        v(size.chroma_width * sample_bytes(depth), size.chroma_height, from),
        luma(size.luma_width * sample_bytes(depth), size.luma_height, to),
        chroma(2 * size.chroma_width * sample_bytes(depth), size.chroma_height, to) {}

  void fill(uint32_t kind) {
    std::minstd_rand random(kind + 1);
    for (TestPlane* plane : {&y, &u, &v}) {
      plane->fill([&](size_t i) {
        switch (kind) {
          case 0:
            return static_cast<uint8_t>(i);
          case 1:
            return static_cast<uint8_t>(i % 2 ? 0x80 : 0xFF);
          case 2:
            return uint8_t{0xFF};
          default:
            return static_cast<uint8_t>(random() >> 8);
        }
      });
    }
  }

  void pack_with(const PackFunctions& f) {
    const Band luma_band{size.luma_width, 0, size.luma_height};
    const Band chroma_band{size.chroma_width, 0, size.chroma_height};
    if (bit_depth == 8) {
      f.copy_8(y.source(), luma.target(), luma_band);
      f.interleave_8(u.source(), v.source(), chroma.target(), chroma_band);
    } else {
      f.low_to_high_16(y.source(), luma.target(), luma_band, bit_depth);
      f.interleave_low_to_high_16(u.source(), v.source(), chroma.target(), chroma_band, bit_depth);
    }
  }

  Result<PackTransfer> pack_with(VulkanPack& pack,
                                 vulkan::Deadline deadline = vulkan::kNoDeadline) {
    return pack.run(
        {y.source(), u.source(), v.source(), luma.target(), chroma.target(), size.luma_width,
         size.luma_height, size.chroma_width, size.chroma_height, bit_depth},
        deadline);
  }

  // Padding included.
  bool operator==(const TestPicture& other) const {
    return y == other.y && u == other.u && v == other.v && luma == other.luma &&
           chroma == other.chroma;
  }

  Size size;
  int bit_depth;
  TestPlane y, u, v, luma, chroma;
};

// The reference's picture, which every compiled SIMD target has made, too.
TestPicture expected_of(const TestPicture& picture) {
  TestPicture expected = picture;
  expected.pack_with(pack_functions(Substrate::kScalar));
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    TestPicture by_simd = picture;
    by_simd.pack_with(pack_functions(Substrate::kSimd));
    CHECK(by_simd == expected);
  }
  hwy::SetSupportedTargetsForTest(0);
  return expected;
}

std::string described(const TestPicture& picture, const Memory& from, const Memory& to) {
  return std::to_string(picture.size.luma_width) + "x" + std::to_string(picture.size.luma_height) +
         ", chroma " + std::to_string(picture.size.chroma_width) + "x" +
         std::to_string(picture.size.chroma_height) + ", " + std::to_string(picture.bit_depth) +
         " bit, " + from.name + " to " + to.name;
}

constexpr int kDepths[] = {8, 9, 10, 12, 16};

TEST_CASE("Vulkan writes what the reference and SIMD write, and nothing else", "[pack]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  std::vector<Size> sizes = {picture_size(1, 1),    picture_size(2, 2),   picture_size(15, 3),
                             picture_size(16, 4),   picture_size(31, 17), picture_size(32, 16),
                             picture_size(33, 15),  picture_size(63, 64), picture_size(64, 65),
                             picture_size(65, 130), picture_size(127, 9), picture_size(130, 258),
                             picture_size(641, 70), {65, 40, 31, 21},     {30, 20, 40, 3}};
  uint32_t turn = 0;
  for (const Memory& from : {kAligned, kPadded, kOdd, kBottomUp}) {
    for (const Memory& to : {kAligned, kPadded, kOdd, kBottomUp}) {
      for (const Size& size : sizes) {
        TestPicture picture(size, kDepths[turn % 5], from, to);
        picture.fill(turn++ % 7);
        const TestPicture expected = expected_of(picture);
        const auto transfer = picture.pack_with(**pack);
        REQUIRE(transfer.ok());
        if (!(picture == expected)) FAIL(described(picture, from, to));
      }
    }
  }
}

// Whose copies together are more than a shader can see of a buffer (Buffer::kMostArray).
TEST_CASE("a picture of 8K is packed out of copies and into them", "[pack]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  TestPicture picture(picture_size(7680, 4320), 10, kOdd, kOdd);
  picture.fill(0);
  TestPicture expected = picture;
  expected.pack_with(pack_functions(Substrate::kSimd));
  const auto transfer = picture.pack_with(**pack);
  REQUIRE(transfer.ok());
  CHECK(*transfer == PackTransfer::kCopied);
  CHECK(picture == expected);
}

TEST_CASE("a large picture in memory as decoders and surfaces have it is packed in place",
          "[pack]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  if (test.device->info().import_alignment == 0) DAEDALUS_SKIP("no memory can be imported");
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  for (const auto& [size, depth] :
       {std::pair{picture_size(1920, 1080), 8}, {picture_size(1918, 1079), 10}}) {
    TestPicture picture(size, depth, kAligned, kAligned);
    picture.fill(0);
    TestPicture expected = picture;
    expected.pack_with(pack_functions(Substrate::kScalar));
    const auto transfer = picture.pack_with(**pack);
    REQUIRE(transfer.ok());
    CHECK(*transfer == PackTransfer::kInPlace);
    CHECK(picture == expected);
    // Copies are told: the same into memory that vectors do not fit.
    TestPicture copied(size, depth, kAligned, kOdd);
    const auto second = copied.pack_with(**pack);
    REQUIRE(second.ok());
    CHECK(*second == PackTransfer::kCopied);
  }
}

TEST_CASE("threads that pack at the same time do not disturb each other", "[pack]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  std::array<bool, 4> equal{};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      TestPicture picture(picture_size(320, 180), i % 2 ? 10 : 8, i < 2 ? kAligned : kOdd,
                          kAligned);
      picture.fill(static_cast<uint32_t>(20 + i));
      TestPicture expected = picture;
      expected.pack_with(pack_functions(Substrate::kScalar));
      bool good = true;
      for (int round = 0; round < 5; ++round) good = picture.pack_with(**pack).ok() && good;
      equal[i] = good && picture == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == std::array<bool, 4>{true, true, true, true});
}

// A picture, and what becomes of it while a call fails once.
void pack_with_fault(const Faults& faults, const vulkan::Device& device, VulkanPack& pack,
                     uint32_t width, const Memory& from, const Memory& to) {
  TestPicture picture(picture_size(width, 70), 10, from, to);
  picture.fill(30);
  TestPicture expected = picture;
  expected.pack_with(pack_functions(Substrate::kScalar));
  vulkan::make_with_fault(faults, device, [&]() -> std::optional<bool> {
    if (!picture.pack_with(pack).ok()) return std::nullopt;
    return picture == expected;
  });
}

TEST_CASE("a failure of any call is an error or is worked around, never a wrong picture",
          "[pack]") {
  Faults faults;
  Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  uint32_t width = 98;
  failing.fail_each_call(faults, [&] {
    width += 32;  // the last is larger than all before: memory is allocated anew
    for (const auto& [from, to] : {std::pair{kAligned, kAligned}, {kAligned, kOdd}, {kOdd, kOdd}}) {
      pack_with_fault(faults, failing.device(), *failing.twin, width, from, to);
    }
  });
}

TEST_CASE("a device that is lost is not asked again", "[pack]") {
  Faults faults;
  for (const std::string_view call : {"vkQueueSubmit", "vkWaitForFences", "vkAllocateMemory"}) {
    const Failing failing;
    if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
    REQUIRE(failing.twin != nullptr);
    faults.order(call, 0, VK_ERROR_DEVICE_LOST);
    pack_with_fault(faults, failing.device(), *failing.twin, 130, kAligned, kOdd);
    CHECK(faults.happened());
    CHECK_FALSE(failing.device().usable());
    TestPicture picture(picture_size(32, 32), 8, kAligned, kAligned);
    CHECK_FALSE(picture.pack_with(*failing.twin).ok());
  }
}

TEST_CASE("a device that does not end its work is not asked again, and its memory is left",
          "[pack]") {
  Faults faults;
  const auto late = open_test_device(Faults::options());
  if (late.device == nullptr) DAEDALUS_SKIP(late.reason);
  const auto pack = VulkanPack::create(late.device);
  REQUIRE(pack.ok());
  // The work does end here, only nobody is told: the picture outlives it.
  static TestPicture picture(picture_size(130, 70), 8, kAligned, kAligned);
  faults.order("vkWaitForFences", 0, VK_TIMEOUT);
  const auto result = picture.pack_with(**pack);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::kTimeout);
  CHECK_FALSE(late.device->usable());
  CHECK(late.device->abandoned());
  CHECK_FALSE(picture.pack_with(**pack).ok());
}

TEST_CASE("a late picture of copies is not waited for, and harms neither itself nor the next one",
          "[pack]") {
  LateWork late;
  const auto test = open_test_device(LateWork::options());
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  TestPicture first(picture_size(130, 70), 10, kAligned, kAligned);
  first.fill(40);
  TestPicture next(picture_size(641, 70), 8, kAligned, kAligned);
  next.fill(41);
  const TestPicture first_expected = expected_of(first);
  const TestPicture next_expected = expected_of(next);
  late.hold();
  const auto too_late = first.pack_with(**pack, Clock::now() + milliseconds(20));
  CHECK(late.holds());  // so it was not waited for
  REQUIRE_FALSE(too_late.ok());
  CHECK(too_late.error().code == ErrorCode::kTimeout);
  first.pack_with(pack_functions(Substrate::kSimd));
  const auto busy = next.pack_with(**pack);
  CHECK(late.holds());
  REQUIRE_FALSE(busy.ok());
  CHECK(busy.error().code == ErrorCode::kBusy);
  CHECK(first == first_expected);
  late.release();
  const auto packed = vulkan::ends_being_busy([&] { return next.pack_with(**pack); });
  REQUIRE(packed.ok());
  CHECK(*packed == PackTransfer::kCopied);
  CHECK(next == next_expected);
  CHECK(first == first_expected);
}

TEST_CASE("a late picture in place is waited for: it is the client's memory", "[pack]") {
  LateWork late;
  const auto test = open_test_device(LateWork::options(/*imports=*/true));
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  if (test.device->info().import_alignment == 0) DAEDALUS_SKIP("no memory can be imported");
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  TestPicture picture(picture_size(128, 64), 10, kAligned, kAligned);
  picture.fill(42);
  const TestPicture expected = expected_of(picture);
  late.hold();
  std::thread later([&] {
    while (!late.holds()) std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(100));
    late.release();
  });
  const auto packed = picture.pack_with(**pack, Clock::now() + milliseconds(50));
  CHECK_FALSE(late.holds());
  later.join();
  REQUIRE(packed.ok());
  CHECK(*packed == PackTransfer::kInPlace);
  CHECK(picture == expected);
}

TEST_CASE("nobody waits longer than till the deadline for others' pictures", "[pack]") {
  LateWork late;
  const auto test = open_test_device(LateWork::options(/*imports=*/true));
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  if (test.device->info().import_alignment == 0) DAEDALUS_SKIP("no memory can be imported");
  const auto pack = VulkanPack::create(test.device);
  REQUIRE(pack.ok());
  TestPicture in_place(picture_size(128, 64), 10, kAligned, kAligned);
  TestPicture copied(picture_size(128, 64), 10, kOdd, kOdd);
  late.hold();
  bool packed = false;
  std::thread first([&] { packed = in_place.pack_with(**pack).ok(); });
  while (!late.holds()) std::this_thread::sleep_for(milliseconds(1));
  const auto busy = copied.pack_with(**pack, Clock::now() + milliseconds(8));
  CHECK(late.holds());  // so the other was not waited for
  late.release();
  first.join();
  CHECK(packed);
  REQUIRE_FALSE(busy.ok());
  CHECK(busy.error().code == ErrorCode::kBusy);
}

TEST_CASE("no device is an error that says why", "[pack]") {
  const auto none = vulkan::Device::create({.choice = vulkan::DeviceChoice::kNone});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == ErrorCode::kNotFound);
  // The driver on the CPU is never taken for a GPU.
  const auto gpu = vulkan::Device::create({});
  if (gpu.ok()) CHECK_FALSE((*gpu)->info().software);
}

}  // namespace
}  // namespace daedalus::gpu_kernels
