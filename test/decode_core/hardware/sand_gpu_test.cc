// Pictures that a device writes in SAND columns, unpacked on a GPU, here the driver on the CPU: the
// same pixels as software's, counted as what they were, also where the GPU fails.
#include <linux/dma-buf.h>
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/statistics.h"
#include "decode_core/core.h"
#include "decode_core/uapi/pixel_formats.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/dispatch/machine.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"
#include "test/decode_core/hardware/layout_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/statistics.h"
#include "test/temporary_file.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::only_page;
using daedalus::test::pictures_of;
using daedalus::test::TemporaryFolder;
using Counts = daedalus::test::StageCounts;
using gpu_kernels::Substrate;
using gpu_kernels::vulkan::DeviceChoice;
using gpu_kernels::vulkan::DeviceOptions;
using gpu_kernels::vulkan::DmaBufDriver;
using gpu_kernels::vulkan::Faults;
using gpu_kernels::vulkan::SyncRecorder;
using gpu_kernels::vulkan::test_options;

// As of the Raspberry Pi's driver, with columns that are higher than their pictures.
const LayoutDevice::Layouts kSand = {{V4L2_PIX_FMT_NV12_COL128, 1, 8, 37},
                                     {V4L2_PIX_FMT_NV12_10_COL128, 1, 8, 37}};
const LayoutDevice::Layouts kRkvdec = {{V4L2_PIX_FMT_NV12, 64, 16, 0},
                                       {V4L2_PIX_FMT_NV15, 64, 16, 0}};

struct Played {
  PlayedFile file;
  uint64_t pictures = 0;
  Counts sand;
  uint64_t gpu_failures = 0;
  uint32_t width = 0, height = 0;
  int imported = 0;  // pictures that the device wrote to dma-bufs
};

// `cache`: the folder of measurements; `memory`: where dma-bufs come from, else there are none.
Played play(const std::string& clip, const std::string& substrate, const DeviceOptions& gpu,
            const LayoutDevice::Layouts& layouts = kSand, const std::string& cache = "",
            std::unique_ptr<MemoryAllocator> memory = std::make_unique<PassingMemory>(0)) {
  const TemporaryFolder folder;
  LayoutDevice device(layouts);
  Settings settings;
  settings.backend = "hardware:loopback";
  settings.threads = 1;
  settings.statistics_folder = folder.path();
  settings.cache_folder = cache;
  settings.gpu_goal = gpu_kernels::CostGoal::kLatency;
  settings.substrate = *gpu_kernels::parse_substrate_choice(substrate);
  Played played;
  played.file = play_file(*Core::create(settings, gpu, std::move(memory), &device), clip);
  CHECK(played.file.failure == "");
  const StatisticsSnapshot page = only_page(folder.path());
  CHECK(page.backend == "hardware");
  CHECK(page.errors == 0);
  CHECK(page.concealed == 0);
  played.pictures = page.pictures;
  played.gpu_failures = page.gpu_failures;
  played.imported = device.imported();
  played.width = page.width;
  played.height = page.height;
  played.sand = pictures_of(page, "sand");
  return played;
}

// What software shows.
std::vector<ShownPicture> expected(const std::string& clip) {
  Settings settings;
  settings.threads = 1;
  return play_file(*Core::create(settings), clip).pictures;
}

std::string on_cpu() { return gpu_kernels::sand_functions(Substrate::kSimd).target; }

// Drivers' buffers, here memory of ours, and frames lie so that a device that can import memory
// uses them where they are.
struct Gpu {
  std::string refusal;  // why there is none
  std::string name;     // what the statistics say where it does the work
};
Gpu gpu() {
  const auto test = gpu_kernels::vulkan::open_test_device();
  if (test.device == nullptr) return {test.reason, ""};
  return {"", test.device->info().import_alignment != 0 ? "vulkan" : "vulkan+copy"};
}

const std::string k8Bit = "test/data/hevc.mp4";
const std::string k10Bit = "test/data/hevc_10bit.mp4";
const std::string kFields = "test/data/h264_interlaced.mp4";

TEST_CASE("columns are unpacked on the GPU where that is asked for, and on nothing else") {
  const Gpu device = gpu();
  if (device.name.empty()) DAEDALUS_SKIP(device.refusal);
  const std::string clip = GENERATE(k8Bit, k10Bit, kFields);
  CAPTURE(clip);
  const Played played = play(clip, "sand=vulkan", test_options());
  CHECK(played.pictures > 0);
  CHECK((played.file.pictures == expected(clip)));
  CHECK(played.sand == Counts{{device.name, played.pictures}});
  CHECK(played.gpu_failures == 0);
}

// How many pictures the GPU has unpacked. Columns are the CPU's to read from when the device has
// written them until they are queued again, and around its work they and the picture are the GPU's.
size_t sees_to_caches(const std::vector<SyncRecorder::Event>& all) {
  using Event = SyncRecorder::Event;
  std::map<ino_t, uint64_t> read;  // the last such bracket
  size_t pictures = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if ((all[i].flags & DMA_BUF_SYNC_RW) == DMA_BUF_SYNC_READ && all[i].dma_buf != 0) {
      CHECK(std::exchange(read[all[i].dma_buf], all[i].flags) != all[i].flags);
    }
    if (all[i] != Event{0, SyncRecorder::kBegun}) continue;
    REQUIRE(i >= 2);
    REQUIRE(i + 3 < all.size());
    const ino_t to = all[i - 2].dma_buf;
    const ino_t from = all[i - 1].dma_buf;
    CHECK(read[from] == (DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
    CHECK(all[i - 2].flags == (DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
    CHECK(all[i - 1].flags == (DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
    CHECK(all[i + 1] == Event{0, SyncRecorder::kEnded});
    CHECK(all[i + 2] == Event{to, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW});
    CHECK(all[i + 3] == Event{from, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE});
    ++pictures;
  }
  return pictures;
}

// As on a VideoCore, which imports no other memory.
TEST_CASE("a device's pictures in dma-bufs are unpacked in place into others") {
  if (const Gpu device = gpu(); device.name.empty()) DAEDALUS_SKIP(device.refusal);
  const std::string clip = GENERATE(k8Bit, k10Bit, kFields);
  CAPTURE(clip);
  const DmaBufDriver driver;
  SyncRecorder recorder;
  auto memory = std::make_unique<PassingMemory>();
  const auto alive = memory->alive();
  const Played played =
      play(clip, "sand=vulkan", DmaBufDriver::options(), kSand, "", std::move(memory));
  CHECK((played.file.pictures == expected(clip)));
  CHECK(played.sand == Counts{{"vulkan", played.pictures}});
  CHECK(played.gpu_failures == 0);
  CHECK(played.imported >= static_cast<int>(played.pictures));  // fields
  CHECK(sees_to_caches(recorder.take()) == played.pictures);
  // Each once: CAPTURE's, and those of the pictures that somebody has.
  CHECK(driver.imports() < static_cast<int>(played.pictures));
  // The session's thread may be the last to let go.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (*alive != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(driver.imported() == 0);
  CHECK(*alive == 0);
}

TEST_CASE("without dma-bufs such a GPU unpacks copies") {
  if (const Gpu device = gpu(); device.name.empty()) DAEDALUS_SKIP(device.refusal);
  const DmaBufDriver driver;
  const Played played = play(k8Bit, "sand=vulkan", DmaBufDriver::options());
  CHECK((played.file.pictures == expected(k8Bit)));
  CHECK(played.sand == Counts{{"vulkan+copy", played.pictures}});
  CHECK(played.gpu_failures == 0);
  CHECK(played.imported == 0);
  CHECK(driver.imports() == 0);
}

TEST_CASE("where nothing is asked who was measured to be better unpacks, else the CPU") {
  const Gpu device = gpu();
  if (device.name.empty()) DAEDALUS_SKIP(device.refusal);
  const Played played = play(k10Bit, "sand=simd", test_options());
  CHECK((played.file.pictures == expected(k10Bit)));
  CHECK(played.sand == Counts{{on_cpu(), played.pictures}});
  constexpr gpu_kernels::Cost kWorse{1000, 1000};
  constexpr gpu_kernels::Cost kBetter{500, 1};  // late only after four times that
  const auto work =
      gpu_kernels::Work::of(gpu_kernels::Stage::kSand, played.width, played.height, 10);
  for (const bool gpu_is_better : {false, true}) {
    const TemporaryFolder cache;
    gpu_kernels::CostTable table(gpu_kernels::machine_key() + "-software");
    table.set(work, gpu_is_better ? gpu_kernels::Comparison{kWorse, kBetter}
                                  : gpu_kernels::Comparison{kBetter, kWorse});
    std::ofstream(cache.path() + "/gpu-costs") << table.text();
    const Played by_measurement = play(k10Bit, "auto", test_options(), kSand, cache.path());
    CHECK((by_measurement.file.pictures == expected(k10Bit)));
    CHECK(by_measurement.sand == Counts{{gpu_is_better ? device.name : on_cpu(), played.pictures}});
    CHECK(by_measurement.gpu_failures == 0);
  }
}

TEST_CASE("NV15 is the CPU's, and no failure") {
  const Played played = play(k10Bit, "sand=vulkan", test_options(), kRkvdec);
  CHECK((played.file.pictures == expected(k10Bit)));
  CHECK(played.sand == Counts{{on_cpu(), played.pictures}});
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("a device that is lost loses no picture, and is counted once") {
  const Gpu device = gpu();
  if (device.name.empty()) DAEDALUS_SKIP(device.refusal);
  const std::string clip = GENERATE(k8Bit, k10Bit);
  CAPTURE(clip);
  Faults faults;
  faults.order("vkQueueSubmit", 5, VK_ERROR_DEVICE_LOST);
  const Played played = play(clip, "sand=vulkan", Faults::options());
  CHECK(faults.happened());
  CHECK((played.file.pictures == expected(clip)));
  CHECK(played.sand == Counts{{device.name, 5}, {on_cpu(), played.pictures - 5}});
  CHECK(played.gpu_failures == 1);
}

TEST_CASE("a GPU that fails at a picture gets the next one") {
  const Gpu device = gpu();
  if (device.name.empty()) DAEDALUS_SKIP(device.refusal);
  Faults faults;
  faults.order("vkEndCommandBuffer", 3, VK_ERROR_OUT_OF_HOST_MEMORY);
  const Played played = play(k10Bit, "sand=vulkan", Faults::options());
  CHECK(faults.happened());
  CHECK((played.file.pictures == expected(k10Bit)));
  CHECK(played.sand == Counts{{device.name, played.pictures - 1}, {on_cpu(), 1}});
  CHECK(played.gpu_failures == 1);
}

TEST_CASE("without a device the CPU unpacks") {
  const Played played = play(k8Bit, "sand=vulkan", {DeviceChoice::kNone, {}});
  CHECK((played.file.pictures == expected(k8Bit)));
  CHECK(played.sand == Counts{{on_cpu(), played.pictures}});
  CHECK(played.gpu_failures == 0);
}

}  // namespace
}  // namespace daedalus::core::test
