// Whole pictures on the device on the CPU against the reference and SIMD, and against the reference
// when calls fail.
#include "gpu_kernels/sand/sand_vulkan.h"

#include <linux/dma-buf.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"
#include "gpu_kernels/vulkan/failing_twin.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan/test_dma_buf.h"
#include "gpu_kernels/vulkan/test_planes.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using harness::draw;
using harness::Random;
using vulkan::Faults;
using Failing = vulkan::FailingTwin<VulkanSand>;
using vulkan::open_test_device;
using vulkan::TestDmaBuf;
using namespace vulkan::test_planes;

struct Size {
  uint32_t width, height;  // luma samples
};

// How the columns lie, whose planes follow each other in each.
struct Columns {
  const char* name;
  Memory memory;
  uint32_t between, after;  // rows of padding between luma and chroma, and bytes after them
};
constexpr Columns kColumns[] = {{"columns", kAligned, 0, 0},
                                {"high columns", kAligned, 3, 11 * kColumnBytes},
                                {"vectors", kPadded, 1, 16},
                                {"odd columns", kOdd, 0, 7},
                                {"columns that begin odd", kOdd, 2, 0}};
constexpr Memory kTargets[] = {kAligned, kPadded, kOdd, kBottomUp};

void unpack_with(const SandFunctions& f, const SandPicture& picture) {
  const auto unpack = picture.format == SandFormat::kNc12 ? f.unpack_nc12 : f.unpack_nc30;
  unpack(picture.from_luma, picture.luma, {picture.width, 0, picture.height});
  unpack(picture.from_chroma, picture.chroma,
         {2 * chroma_420(picture.width), 0, chroma_420(picture.height)});
}

// A picture and what is made of it.
struct TestPicture {
  TestPicture(SandFormat of, const Size& picture, const Columns& from, const Memory& to)
      : format(of),
        size(picture),
        chroma_offset((picture.height + from.between) * kColumnBytes),
        column_bytes(chroma_offset + chroma_420(picture.height) * kColumnBytes + from.after),
        columns(column_bytes, (pair_samples() + column_samples() - 1) / column_samples(),
                from.memory),
        luma(picture.width * sample_bytes(), picture.height, to),
        chroma(pair_samples() * sample_bytes(), chroma_420(picture.height), to) {}

  uint32_t sample_bytes() const { return format == SandFormat::kNc12 ? 1 : 2; }
  uint32_t column_samples() const {
    return format == SandFormat::kNc12 ? kNc12ColumnSamples : kNc30ColumnSamples;
  }
  uint32_t pair_samples() const { return 2 * chroma_420(size.width); }

  // Bytes at random, of the ends of what they hold, single bits, or a ramp.
  void fill(int kind, Random& random) {
    columns.fill([&](size_t i) -> uint8_t {
      switch (kind) {
        case 0:
          return static_cast<uint8_t>(draw(random, 0, 255));
        case 1:
          return static_cast<uint8_t>(draw(random, 0, 1) * 255);
        case 2:
          return static_cast<uint8_t>(1 << draw(random, 0, 7));
        default:
          return static_cast<uint8_t>(i);
      }
    });
  }

  ColumnPlane from(size_t offset) const {
    const SourcePlane source = columns.source();
    return {static_cast<const uint8_t*>(source.data) + offset, static_cast<size_t>(source.stride)};
  }
  SandPicture planes() {
    return {format,          from(0),    from(chroma_offset), luma.target(),
            chroma.target(), size.width, size.height};
  }

  // Padding included.
  bool operator==(const TestPicture& other) const {
    return columns == other.columns && luma == other.luma && chroma == other.chroma;
  }

  SandFormat format;
  Size size;
  uint32_t chroma_offset, column_bytes;
  TestPlane columns, luma, chroma;
};

TestPicture by_reference(const TestPicture& picture) {
  TestPicture expected = picture;
  unpack_with(sand_functions(Substrate::kScalar), expected.planes());
  return expected;
}

std::string described(const TestPicture& picture, const Columns& from, const Memory& to) {
  return std::string(picture.format == SandFormat::kNc12 ? "NC12 " : "NC30 ") +
         std::to_string(picture.size.width) + "x" + std::to_string(picture.size.height) + ", " +
         from.name + " to " + to.name;
}

// Compares the picture on the GPU with the reference's, and with that all SIMD targets'.
void compare(VulkanSand& sand, TestPicture& picture, const Columns& from, const Memory& to) {
  const TestPicture expected = by_reference(picture);
  harness::for_each_target(sand_functions, [&](const SandFunctions& functions) {
    TestPicture by_simd = picture;
    unpack_with(functions, by_simd.planes());
    if (!(by_simd == expected)) FAIL(functions.target << ": " << described(picture, from, to));
  });
  if (!VulkanSand::takes(picture.planes())) FAIL("not taken: " << described(picture, from, to));
  const auto transfer = sand.run(picture.planes());
  REQUIRE(transfer.ok());
  if (!(picture == expected)) FAIL(described(picture, from, to));
}

constexpr SandFormat kFormats[] = {SandFormat::kNc12, SandFormat::kNc30};

uint32_t narrowest(SandFormat format) { return format == SandFormat::kNc12 ? 16 : 24; }

TEST_CASE("Vulkan writes what the reference and SIMD write, at every small size", "[sand]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto sand = VulkanSand::create(test.device);
  REQUIRE(sand.ok());
  Random random(5);
  uint32_t turn = 0;
  for (const SandFormat format : kFormats) {
    // Every place in a column for a row to end in, and in the one after it.
    for (uint32_t width = narrowest(format); width <= 2 * kNc12ColumnSamples + 2; ++width) {
      const Columns& from = kColumns[turn % std::size(kColumns)];
      const Memory& to = kTargets[turn / std::size(kColumns) % std::size(kTargets)];
      TestPicture picture(format, {width, 1 + turn % 7}, from, to);
      picture.fill(static_cast<int>(turn++ % 4), random);
      compare(**sand, picture, from, to);
    }
  }
}

TEST_CASE("Vulkan writes what the reference writes, wherever planes lie, and nothing else",
          "[sand]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto sand = VulkanSand::create(test.device);
  REQUIRE(sand.ok());
  // About the heights of one workgroup and of two.
  constexpr Size kSizes[] = {{32, 31}, {97, 32}, {192, 33},  {130, 63},  {288, 64},
                             {71, 65}, {24, 66}, {641, 127}, {383, 130}, {1001, 70}};
  Random random(6);
  int turn = 0;
  for (const SandFormat format : kFormats) {
    for (const Columns& from : kColumns) {
      for (const Memory& to : kTargets) {
        for (const Size& size : kSizes) {
          TestPicture picture(format, size, from, to);
          picture.fill(turn++ % 4, random);
          compare(**sand, picture, from, to);
        }
      }
    }
  }
}

TEST_CASE("a large picture in memory as drivers and frames have it is unpacked in place",
          "[sand]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  if (test.device->info().import_alignment == 0) DAEDALUS_SKIP("no memory can be imported");
  const auto sand = VulkanSand::create(test.device);
  REQUIRE(sand.ok());
  Random random(7);
  for (const SandFormat format : kFormats) {
    for (const Size& size : {Size{1920, 1080}, Size{1918, 1079}}) {
      TestPicture picture(format, size, kColumns[1], kAligned);
      picture.fill(0, random);
      const TestPicture expected = by_reference(picture);
      const auto transfer = (*sand)->run(picture.planes());
      REQUIRE(transfer.ok());
      CHECK(*transfer == PackTransfer::kInPlace);
      CHECK(picture == expected);
    }
    // Copies are told: columns, or targets, that vectors do not fit.
    for (const auto& [from, to] :
         {std::pair{kColumns[3], kAligned}, std::pair{kColumns[0], kOdd}}) {
      TestPicture copied(format, {640, 360}, from, to);
      const auto transfer = (*sand)->run(copied.planes());
      REQUIRE(transfer.ok());
      CHECK(*transfer == PackTransfer::kCopied);
    }
  }
}

// As of a decoder that gives its buffers as dma-bufs, on a device that imports nothing else.
TEST_CASE("columns and frames in dma-bufs are used in place, imported once, and seen to by caches",
          "[sand]") {
  const vulkan::DmaBufDriver driver;
  const auto options = vulkan::DmaBufDriver::options();
  const auto test = open_test_device(options);
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto sand = VulkanSand::create(test.device);
  REQUIRE(sand.ok());
  Random random(8);
  for (const SandFormat format : kFormats) {
    TestPicture copied(format, {642, 362}, kColumns[0], kAligned);
    copied.fill(0, random);
    SandPicture picture = copied.planes();
    const size_t column_count = (picture.width - 1) / copied.column_samples() + 1;
    const auto columns = TestDmaBuf::create(column_count * picture.from_luma.column_stride);
    std::memcpy(columns->data(), picture.from_luma.data, columns->size());
    const auto frame = TestDmaBuf::create(static_cast<size_t>(picture.luma.stride) * 543);
    std::memset(frame->data(), kCanary, frame->size());
    std::vector<uint8_t> expected(frame->data(), frame->data() + frame->size());
    const auto in = [&](uint8_t* memory) {
      picture.from_luma.data = columns->data();
      picture.from_chroma.data = columns->data() + copied.chroma_offset;
      picture.luma.data = memory;
      picture.chroma = {memory + picture.luma.stride * 362, picture.luma.stride};
      return picture;
    };
    unpack_with(sand_functions(Substrate::kScalar), in(expected.data()));

    vulkan::SyncRecorder recorder;
    const auto registered = std::array{
        *options.dma_bufs->add(columns, columns->data(), columns->size(), columns->fd.get()),
        *options.dma_bufs->add(frame, frame->data(), frame->size(), frame->fd.get())};
    const int before = driver.imports();
    for (int i = 0; i < 2; ++i) {
      const auto transfer = (*sand)->run(in(frame->data()));
      REQUIRE(transfer.ok());
      CHECK(*transfer == PackTransfer::kInPlace);
      const ino_t from = recorder.file_of(columns->fd.get());
      const ino_t to = recorder.file_of(frame->fd.get());
      CHECK((recorder.take() == std::vector<vulkan::SyncRecorder::Event>{
                                    {to, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW},
                                    {from, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE},
                                    {0, recorder.kBegun},
                                    {0, recorder.kEnded},
                                    {to, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW},
                                    {from, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE}}));
    }
    CHECK(driver.imports() == before + 2);
    CHECK(std::memcmp(frame->data(), expected.data(), expected.size()) == 0);
  }
}

TEST_CASE("pictures that no invocation fits, or no array holds, are not taken", "[sand]") {
  for (const SandFormat format : kFormats) {
    const uint32_t least = narrowest(format);
    const auto takes = [&](uint32_t width, uint32_t height, size_t column_stride,
                           ptrdiff_t stride) {
      return VulkanSand::takes({format,
                                {nullptr, column_stride},
                                {nullptr, column_stride},
                                {nullptr, stride},
                                {nullptr, stride},
                                width,
                                height});
    };
    CHECK(takes(least, 1, 256, 64));
    CHECK_FALSE(takes(least - 1, 1, 256, 64));
    CHECK_FALSE(takes(least, 0, 256, 64));
    CHECK(takes(4096, 2304, 3456 * kColumnBytes, 8192));
    CHECK_FALSE(takes(8192, 8192, 12288 * kColumnBytes, 16384));
    CHECK_FALSE(takes(0xFFFFFFFF, 1, 256, 64));
    CHECK_FALSE(takes(least, 0xFFFFFFFF, 256, 64));
    CHECK_FALSE(takes(192, 16, size_t{1} << 40, 64));
    CHECK_FALSE(takes(192, 16, 24 * kColumnBytes, -(ptrdiff_t{1} << 40)));
  }
}

TEST_CASE("threads that unpack at the same time do not disturb each other", "[sand]") {
  const auto test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto sand = VulkanSand::create(test.device);
  REQUIRE(sand.ok());
  std::array<bool, 4> equal{};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      TestPicture picture(kFormats[i % 2], {320, 180}, kColumns[i], kTargets[i % 3]);
      Random random(static_cast<uint32_t>(20 + i));
      picture.fill(0, random);
      const TestPicture expected = by_reference(picture);
      bool good = true;
      for (int round = 0; round < 5; ++round) good = (*sand)->run(picture.planes()).ok() && good;
      equal[i] = good && picture == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == std::array<bool, 4>{true, true, true, true});
}

// A picture, and what becomes of it while a call fails once.
void unpack_with_fault(const Faults& faults, const vulkan::Device& device, VulkanSand& sand,
                       uint32_t width, const Columns& from, const Memory& to) {
  TestPicture picture(SandFormat::kNc30, {width, 70}, from, to);
  Random random(30);
  picture.fill(0, random);
  const TestPicture expected = by_reference(picture);
  vulkan::make_with_fault(faults, device, [&]() -> std::optional<bool> {
    if (!sand.run(picture.planes()).ok()) return std::nullopt;
    return picture == expected;
  });
}

TEST_CASE("a failure of any call is an error or is worked around, never a wrong picture",
          "[sand]") {
  Faults faults;
  Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  uint32_t width = 98;
  failing.fail_each_call(faults, [&] {
    width += 32;  // the last is larger than all before: memory is allocated anew
    for (const auto& [from, to] :
         {std::pair{kColumns[0], kAligned}, {kColumns[0], kOdd}, {kColumns[3], kOdd}}) {
      unpack_with_fault(faults, failing.device(), *failing.twin, width, from, to);
    }
  });
}

TEST_CASE("a device that is lost is not asked again", "[sand]") {
  Faults faults;
  for (const std::string_view call : {"vkQueueSubmit", "vkWaitForFences", "vkAllocateMemory"}) {
    const Failing failing;
    if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
    REQUIRE(failing.twin != nullptr);
    faults.order(call, 0, VK_ERROR_DEVICE_LOST);
    unpack_with_fault(faults, failing.device(), *failing.twin, 130, kColumns[0], kOdd);
    CHECK(faults.happened());
    CHECK_FALSE(failing.device().usable());
    TestPicture picture(SandFormat::kNc12, {32, 32}, kColumns[0], kAligned);
    CHECK_FALSE(failing.twin->run(picture.planes()).ok());
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
