// Planes in dma-bufs on a device that imports those and nothing else, as a Raspberry Pi 5's: used
// in place, with the caches seen to, and nothing is left behind.
#include <linux/dma-buf.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/film_grain/av1_test_parameters.h"
#include "gpu_kernels/film_grain/av1_vulkan.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/pack/pack_vulkan.h"
#include "gpu_kernels/vulkan/buffer.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan/test_dma_buf.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using vulkan::Device;
using vulkan::DmaBuf;
using vulkan::DmaBufDriver;
using vulkan::DmaBufRegistry;
using vulkan::Faults;
using vulkan::open_descriptors;
using vulkan::open_test_device;
using vulkan::SyncRecorder;
using vulkan::TestDmaBuf;

// The decoder's frame is one dma-buf, the surface another. Begins `first` bytes on.
struct TestPicture {
  TestPicture(uint32_t picture_width, uint32_t picture_height, int depth, size_t first = 0)
      : width(picture_width),
        height(picture_height),
        bit_depth(depth),
        stride((width * (depth > 8 ? 2 : 1) + 63) / 64 * 64),
        begin(first),
        frame(TestDmaBuf::create(begin + stride * rows() * 2)),
        surface(TestDmaBuf::create(begin + stride * rows() * 3 / 2)) {
    std::minstd_rand random(width);
    for (size_t i = 0; i < frame->size(); ++i) {
      const bool high_byte = depth > 8 && i % 2 == 1;
      frame->data()[i] = static_cast<uint8_t>(random() >> 8 & (high_byte ? 3 : 255));
    }
    std::memset(surface->data(), 0xA5, surface->size());
  }

  size_t rows() const { return (size_t{height} + 1) / 2 * 2; }
  // Bytes, of luma and of NV12's chroma; u and v have as much.
  SourcePlane y() const { return {frame->data() + begin, pitch()}; }
  SourcePlane u() const { return {frame->data() + begin + stride * rows(), pitch()}; }
  SourcePlane v() const { return {frame->data() + begin + stride * rows() * 3 / 2, pitch()}; }
  PackPicture to_pack(uint8_t* to) const {
    return {y(),
            u(),
            v(),
            {to + begin, pitch()},
            {to + begin + stride * rows(), pitch()},
            width,
            height,
            chroma_420(width),
            chroma_420(height),
            bit_depth};
  }
  Av1GrainPicture to_grain() const {
    const PackPicture picture = to_pack(surface->data());
    return {{y(), u(), v()}, picture.luma, picture.chroma, 0, 0, width, height};
  }
  ptrdiff_t pitch() const { return static_cast<ptrdiff_t>(stride); }

  std::vector<uint8_t> packed() const {
    std::vector<uint8_t> expected(surface->data(), surface->data() + surface->size());
    const PackPicture picture = to_pack(expected.data());
    const PackFunctions& f = pack_functions(Substrate::kScalar);
    const Band luma{width, 0, height};
    const Band chroma{chroma_420(width), 0, chroma_420(height)};
    if (bit_depth == 8) {
      f.copy_8(picture.y, picture.luma, luma);
      f.interleave_8(picture.u, picture.v, picture.chroma, chroma);
    } else {
      f.low_to_high_16(picture.y, picture.luma, luma, bit_depth);
      f.interleave_low_to_high_16(picture.u, picture.v, picture.chroma, chroma, bit_depth);
    }
    return expected;
  }
  // Everything in the surface's memory, as it should be.
  bool is(const std::vector<uint8_t>& expected) const {
    return std::memcmp(surface->data(), expected.data(), expected.size()) == 0;
  }

  uint32_t width, height;
  int bit_depth;
  size_t stride, begin;
  std::shared_ptr<const TestDmaBuf> frame, surface;
};

struct Registered {
  Registered(DmaBufRegistry& registry, const TestPicture& picture)
      : frame(add(registry, picture.frame)), surface(add(registry, picture.surface)) {}

  static std::shared_ptr<DmaBuf> add(DmaBufRegistry& registry,
                                     const std::shared_ptr<const TestDmaBuf>& memory) {
    auto added = registry.add(memory, memory->data(), memory->size(), memory->fd.get());
    REQUIRE(added.ok());
    return std::move(*added);
  }

  std::shared_ptr<DmaBuf> frame, surface;
};

// A device of a DmaBufDriver's, and what packs on it.
struct Packing {
  explicit Packing(std::function<void()> during_work = {}) {
    const auto options = DmaBufDriver::options(std::move(during_work));
    registry = options.dma_bufs;
    auto test = open_test_device(options);
    reason = test.reason;
    if (test.device == nullptr) return;
    device = std::move(test.device);
    auto created = VulkanPack::create(device);
    REQUIRE(created.ok());
    pack = std::move(*created);
  }
  // Whether it did the picture, and how; right in any case.
  std::string run(const TestPicture& picture) const {
    const std::vector<uint8_t> expected = picture.packed();
    const auto transfer = pack->run(picture.to_pack(picture.surface->data()));
    if (!transfer) return "failed";
    CHECK(picture.is(expected));
    return *transfer == PackTransfer::kInPlace ? "vulkan" : "vulkan+copy";
  }

  std::string reason;
  std::shared_ptr<DmaBufRegistry> registry;
  std::shared_ptr<Device> device;
  std::unique_ptr<VulkanPack> pack;
};

TEST_CASE("a device can do what its functions can", "[dma_buf]") {
  const DmaBufDriver driver;
  const auto test = open_test_device(DmaBufDriver::options());
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  CHECK(test.device->info().imports_dma_bufs);
  CHECK(test.device->info().import_alignment == 0);
  CHECK(test.device->dma_bufs() != nullptr);
}

TEST_CASE("planes in dma-bufs are packed in place, and imported once", "[dma_buf]") {
  const DmaBufDriver driver;
  const Packing packing;
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  const auto descriptors = open_descriptors();
  for (const auto& [width, height, depth] :
       {std::array{1920, 1080, 8}, {1918, 1079, 10}, {65, 33, 8}, {64, 2, 10}}) {
    CAPTURE(width, height, depth);
    const int before = driver.imports();
    {
      TestPicture picture(static_cast<uint32_t>(width), static_cast<uint32_t>(height), depth, 192);
      const Registered registered(*packing.registry, picture);
      const std::vector<uint8_t> source(picture.frame->data(),
                                        picture.frame->data() + picture.frame->size());
      for (int i = 0; i < 3; ++i) {
        std::memset(picture.surface->data(), i, picture.surface->size());
        CHECK(packing.run(picture) == "vulkan");
      }
      CHECK(std::memcmp(picture.frame->data(), source.data(), source.size()) == 0);
      CHECK(driver.imports() == before + 2);
      CHECK(driver.imported() == 2);
    }
    CHECK(driver.imported() == 0);
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("film grain is added in place", "[dma_buf]") {
  const DmaBufDriver driver;
  const auto options = DmaBufDriver::options();
  const auto test = open_test_device(options);
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto vulkan = VulkanAv1FilmGrain::create(test.device);
  REQUIRE(vulkan.ok());
  harness::Random random(3);
  for (const int depth : {8, 10}) {
    TestPicture picture(642, 360, depth);
    const Registered registered(*options.dma_bufs, picture);
    const auto grain = prepare_av1_film_grain(film_grain::random_parameters(random),
                                              {picture.width, picture.height, depth, false});
    REQUIRE(grain.ok());
    std::vector<uint8_t> expected(picture.surface->data(),
                                  picture.surface->data() + picture.surface->size());
    const PackPicture to = picture.to_pack(expected.data());
    const Av1FilmGrainFunctions& f = av1_film_grain_functions(Substrate::kScalar);
    const Av1FilmGrainFunctions::Planes from = {picture.y(), picture.u(), picture.v()};
    (depth > 8 ? f.luma_10_to_high : f.luma_8)(**grain, from[0], to.luma,
                                               {0, 0, {picture.width, 0, picture.height}});
    (depth > 8 ? f.chroma_10_to_high_interleaved : f.chroma_8_interleaved)(
        **grain, from, to.chroma, {0, 0, {picture.width / 2, 0, picture.height / 2}});
    for (int i = 0; i < 2; ++i) {
      const auto transfer = (*vulkan)->run(**grain, picture.to_grain());
      REQUIRE(transfer.ok());
      CHECK(*transfer == PackTransfer::kInPlace);
      CHECK(picture.is(expected));
    }
  }
  CHECK(driver.imports() == 4);
  CHECK(driver.imported() == 0);
}

TEST_CASE("caches are written back before the device works, and forget what it wrote after",
          "[dma_buf]") {
  const DmaBufDriver driver;
  Faults faults;
  SyncRecorder recorder;
  const Packing packing;
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  const TestPicture picture(320, 180, 8);
  const ino_t frame = SyncRecorder::file_of(picture.frame->fd.get());
  const ino_t surface = SyncRecorder::file_of(picture.surface->fd.get());
  using Events = std::vector<SyncRecorder::Event>;
  const Events both = {{surface, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW},
                       {frame, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE},
                       {0, SyncRecorder::kBegun},
                       {0, SyncRecorder::kEnded},
                       {surface, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW},
                       {frame, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE}};
  {
    const Registered registered(*packing.registry, picture);
    CHECK(packing.run(picture) == "vulkan");
    CHECK((recorder.take() == both));
    // Work that fails: the memory is the CPU's all the same.
    faults.order("vkWaitForFences", 0, VK_ERROR_DEVICE_LOST);
    CHECK(packing.run(picture) == "failed");
    CHECK((recorder.take() == both));
  }
  {
    // Caches that cannot be written back: the device does not begin.
    const Packing third;
    const Registered registered(*third.registry, picture);
    recorder.fail_next(EIO);
    CHECK(third.run(picture) == "failed");
    CHECK((recorder.take() == Events{both[0], both[4], both[5]}));
    CHECK(third.run(picture) == "vulkan");
    recorder.take();
  }
  // Memory that is copied has no need of it.
  const Packing second;
  CHECK(second.run(picture) == "vulkan+copy");
  CHECK((recorder.take() == Events{{0, SyncRecorder::kBegun}, {0, SyncRecorder::kEnded}}));
  // Luma's copy is the CPU's, before; what chroma is written to is seen to alone.
  const auto registered = Registered::add(*second.registry, picture.surface);
  CHECK(second.run(picture) == "vulkan+copy");
  CHECK((recorder.take() == Events{both[0], both[2], both[3], both[4]}));
}

TEST_CASE("a dma-buf that is let go while the device works lives as long as the work",
          "[dma_buf]") {
  const DmaBufDriver driver;
  std::function<void()> during_work;
  const Packing packing([&] { during_work(); });
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  const TestPicture picture(320, 180, 10);
  std::unique_ptr<Registered> registered;
  int imported = 0;
  during_work = [&] {
    registered.reset();
    imported = driver.imported();
  };
  for (int i = 0; i < 2; ++i) {
    registered = std::make_unique<Registered>(*packing.registry, picture);
    CHECK(packing.run(picture) == "vulkan");
    CHECK(imported == 2);
    CHECK(driver.imported() == 0);
  }
  CHECK(driver.imports() == 4);
}

TEST_CASE("imports go with their device", "[dma_buf]") {
  const DmaBufDriver driver;
  Packing packing;
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  const TestPicture picture(320, 180, 8);
  const Registered registered(*packing.registry, picture);
  CHECK(packing.run(picture) == "vulkan");
  CHECK(driver.imported() == 2);
  packing.pack.reset();
  packing.device.reset();
  CHECK(driver.imported() == 0);
}

TEST_CASE("what does not lie in a dma-buf, or not so that vectors fit, is copied", "[dma_buf]") {
  const DmaBufDriver driver;
  const Packing packing;
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  // The frame's last row is outside.
  const TestPicture beyond(64, 32, 8, 64);
  const TestDmaBuf& frame = *beyond.frame;
  const auto part =
      packing.registry->add(beyond.frame, frame.data(), frame.size() - 4096, frame.fd.get());
  const auto surface = Registered::add(*packing.registry, beyond.surface);
  REQUIRE(part.ok());
  CHECK(packing.run(beyond) == "vulkan+copy");
  const TestPicture misaligned(64, 32, 8, 8);
  const Registered registered(*packing.registry, misaligned);
  CHECK(packing.run(misaligned) == "vulkan+copy");
  CHECK(driver.imports() <= 2);
}

TEST_CASE("a dma-buf is imported only where all of what is registered is there", "[dma_buf]") {
  const DmaBufDriver driver;
  const auto test = open_test_device(DmaBufDriver::options());
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  const auto memory = TestDmaBuf::create(8192);
  const auto is_refused = [&](int fd, size_t size) {
    return !vulkan::Buffer::import_dma_buf(*test.device, fd, size).ok();
  };
  CHECK_FALSE(is_refused(memory->fd.get(), 8192));
  CHECK(is_refused(memory->fd.get(), 12288));
  CHECK(is_refused(memory->fd.get(), SIZE_MAX));
  CHECK(is_refused(-1, 4096));
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  CHECK(is_refused(pipe[0], 4096));
  for (const int fd : pipe) ::close(fd);
  const UniqueFd large(::memfd_create("large", MFD_CLOEXEC));
  REQUIRE(::ftruncate(large.get(), off_t{1} << 28) == 0);
  CHECK(is_refused(large.get(), vulkan::Buffer::kMostArray + 4096));
  CHECK(driver.imported() == 0);
}

TEST_CASE("a failure of any call is a copy or an error, never a wrong picture, and leaves nothing",
          "[dma_buf]") {
  const DmaBufDriver driver;
  Faults faults;
  if (const std::string reason = open_test_device(DmaBufDriver::options()).reason;
      !reason.empty()) {
    DAEDALUS_SKIP(reason);
  }
  const TestPicture picture(320, 180, 10);
  std::set<std::string> copied, failed;
  for (const std::string_view call : DmaBufDriver::calls()) {
    const std::string name(call);
    CAPTURE(name);
    for (int passing = 0;; ++passing) {
      const auto descriptors = open_descriptors();
      const int imported = driver.imported();
      {
        faults.withdraw();
        const Packing packing;
        const Registered registered(*packing.registry, picture);
        faults.order(call, passing, VK_ERROR_OUT_OF_DEVICE_MEMORY);
        const std::string ran = packing.run(picture);
        if (!faults.happened()) {
          CHECK(ran == "vulkan");
          break;
        }
        CHECK(ran != "vulkan");
        (ran == "failed" ? failed : copied).insert(name);
        // The next one is tried again, unless nobody knows when the device ends.
        if (packing.device->usable()) CHECK(packing.run(picture) == "vulkan");
      }
      // What the device may still be at is kept.
      const bool abandoned = name == "vkWaitForFences";
      CHECK(driver.imported() == imported + (abandoned ? 2 : 0));
      if (!abandoned) CHECK(open_descriptors() == descriptors);
    }
  }
  CHECK((copied == std::set<std::string>{"vkGetMemoryFdPropertiesKHR", "vkCreateBuffer",
                                         "vkAllocateMemory", "vkBindBufferMemory"}));
  CHECK((failed == std::set<std::string>{"vkAllocateDescriptorSets", "vkBeginCommandBuffer",
                                         "vkEndCommandBuffer", "vkQueueSubmit",
                                         "vkResetCommandPool", "vkResetDescriptorPool",
                                         "vkResetFences", "vkWaitForFences"}));
}

// The last, as its imports are left for ever.
TEST_CASE("nobody waits in the kernel for work that was given up", "[dma_buf]") {
  Faults faults;
  SyncRecorder recorder;
  const Packing packing;
  if (packing.device == nullptr) DAEDALUS_SKIP(packing.reason);
  // The work does end here, only nobody is told: the picture outlives it.
  static const TestPicture picture(320, 180, 8);
  const Registered registered(*packing.registry, picture);
  faults.order("vkWaitForFences", 0, VK_TIMEOUT);
  CHECK(packing.run(picture) == "failed");
  CHECK(packing.device->abandoned());
  for (const SyncRecorder::Event& event : recorder.take()) {
    CHECK((event.dma_buf == 0 || (event.flags & DMA_BUF_SYNC_END) != 0));
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
