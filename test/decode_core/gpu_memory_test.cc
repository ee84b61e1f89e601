// Decoded pictures and exported surfaces in dma-bufs, packed in place by a GPU that imports nothing
// else, as a Raspberry Pi 5's; here the driver on the CPU, with memfds in their place.
#include <linux/dma-buf.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/statistics.h"
#include "decode_core/core.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/stream/stream_decoder.h"
#include "decode_core/surface.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan_stages.h"
#include "test/catch.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/decode_core/stream/streams.h"
#include "test/log_capture.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::LogCapture;
using daedalus::test::only_page;
using daedalus::test::pictures_of;
using daedalus::test::TemporaryFolder;
using Counts = daedalus::test::StageCounts;
using gpu_kernels::Stage;
using gpu_kernels::Substrate;
using gpu_kernels::vulkan::DeviceChoice;
using gpu_kernels::vulkan::DeviceOptions;
using gpu_kernels::vulkan::DmaBufDriver;
using gpu_kernels::vulkan::Faults;
using gpu_kernels::vulkan::SyncRecorder;
using gpu_kernels::vulkan::test_options;

constexpr size_t kPictures = 12;

const std::vector<std::string> kPlainClips = {"test/data/vp9.webm", "test/data/vp9_10bit.webm"};
// With film grain of its own.
const std::string kGrainClip = "test/data/av1_10bit.webm";

std::string simd() { return gpu_kernels::pack_functions(Substrate::kSimd).target; }

std::string no_device() { return gpu_kernels::vulkan::open_test_device().reason; }

struct Played {
  std::vector<std::vector<uint8_t>> images;  // of the exported surface, in display order
  Counts packed_on, grain_on;
  uint64_t gpu_failures = 0;
};

struct Wish {
  Substrate pack = Substrate::kAuto;
  Substrate film_grain = Substrate::kAuto;
  std::string cache_folder = {};  // of measurements
};
const Wish kOnGpu = {.pack = Substrate::kVulkan};

// Decodes the clip's first pictures; each is shown by an exported surface of an odd size.
Played play(const std::string& clip, const Wish& wish, const DeviceOptions& gpu,
            std::unique_ptr<MemoryAllocator> memory) {
  const TemporaryFolder statistics;
  Settings settings;
  settings.threads = 1;
  settings.statistics_folder = statistics.path();
  settings.substrate.set(Stage::kPack, wish.pack);
  settings.substrate.set(Stage::kFilmGrain, wish.film_grain);
  settings.cache_folder = wish.cache_folder;
  settings.gpu_goal = gpu_kernels::CostGoal::kLatency;
  Played played;
  {
    const auto core = Core::create(settings, gpu, std::move(memory));
    auto stream = parsed_stream::ParsedStream::open(clip);
    REQUIRE(stream.ok());
    const auto session = core->open_session(
        {*(*stream)->profile(), (*stream)->width(), (*stream)->height(), "replay"});
    REQUIRE(session.ok());
    const bool wide = clip.find("10bit") != std::string::npos;
    Surface surface(core, wide ? SurfaceFormat::kP010 : SurfaceFormat::kNv12,
                    (*stream)->width() - 13, (*stream)->height() + 3);
    const auto exported = surface.export_memory(true);
    REQUIRE(exported.ok());
    parsed_stream::Event event;
    while (played.images.size() < kPictures && *(*stream)->next(event)) {
      if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
        REQUIRE((*session)->submit(std::move(decode->job)).ok());
        continue;
      }
      const auto picture = std::get<parsed_stream::OutputEvent>(event).picture;
      surface.set_picture(picture);
      picture->wait();
      const uint8_t* const data = exported->memory->data();
      played.images.emplace_back(data, data + exported->layout.size);
    }
  }
  const StatisticsSnapshot page = only_page(statistics.path());
  played.gpu_failures = page.gpu_failures;
  played.packed_on = pictures_of(page, "pack");
  played.grain_on = pictures_of(page, "film_grain");
  return played;
}

// Memfds that pass for dma-bufs, in whole pages as those.
class DmaBufs final : public MemoryAllocator {
 public:
  // `most`: of them.
  explicit DmaBufs(std::atomic<int>& allocated, size_t most = SIZE_MAX)
      : memory_(most), allocated_(allocated) {}
  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t size, bool require_dma_buf) override {
    constexpr size_t kPage = 4096;
    auto memory = memory_.allocate((size + kPage - 1) / kPage * kPage, require_dma_buf);
    if (memory) ++allocated_;
    return memory;
  }
  const std::shared_ptr<std::atomic<size_t>>& alive() const { return memory_.alive(); }

 private:
  PassingMemory memory_;
  std::atomic<int>& allocated_;
};

// play() on the device that imports dma-bufs alone; nothing is left of it.
Played play_in_dma_bufs(const std::string& clip, const Wish& wish,
                        size_t most_dma_bufs = SIZE_MAX) {
  const DmaBufDriver driver;
  std::atomic<int> allocated = 0;
  auto memory = std::make_unique<DmaBufs>(allocated, most_dma_bufs);
  const auto alive = memory->alive();
  Played played = play(clip, wish, DmaBufDriver::options(), std::move(memory));
  CHECK(driver.imports() <= allocated);
  // The session's thread may be the last to let go.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (*alive != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(driver.imported() == 0);
  CHECK(*alive == 0);
  return played;
}

// The same on the CPU.
Played expect_exported(const std::string& clip) {
  std::atomic<int> allocated = 0;
  Played played = play(clip, {.pack = Substrate::kScalar, .film_grain = Substrate::kScalar},
                       {.choice = DeviceChoice::kNone}, std::make_unique<DmaBufs>(allocated));
  CHECK(allocated == 1);  // the surface
  REQUIRE(played.images.size() == kPictures);
  return played;
}

TEST_CASE("decoded pictures and exported surfaces in dma-bufs are packed in place") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  for (const std::string& clip : kPlainClips) {
    CAPTURE(clip);
    const Played expected = expect_exported(clip);
    const Played played = play_in_dma_bufs(clip, kOnGpu);
    CHECK((played.images == expected.images));
    CHECK(played.packed_on == Counts{{"vulkan", kPictures}});
    CHECK(played.gpu_failures == 0);
  }
}

TEST_CASE("film grain is added in place from dma-bufs to dma-bufs") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = expect_exported(kGrainClip);
  const Played played = play_in_dma_bufs(kGrainClip, {.film_grain = Substrate::kVulkan});
  CHECK((played.images == expected.images));
  CHECK(played.grain_on == Counts{{"vulkan", kPictures}});
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("the caches of an exported surface and of a decoded picture are seen to, in order") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  SyncRecorder recorder;
  play_in_dma_bufs(kPlainClips[0], kOnGpu);
  using Events = std::vector<SyncRecorder::Event>;
  const Events all = recorder.take();
  const ino_t surface = all.front().dma_buf;
  // Made black by the CPU.
  REQUIRE((Events(all.begin(), all.begin() + 2) ==
           Events{{surface, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE},
                  {surface, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE}}));
  std::set<ino_t> frames;
  size_t pictures = 0;
  for (size_t i = 2; i < all.size();) {
    if (all[i].dma_buf != surface) {  // memory for a picture: the decoder's until a device's turn
      CHECK(all[i].flags == (DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
      CHECK(frames.insert(all[i].dma_buf).second);
      ++i;
      continue;
    }
    REQUIRE(i + 8 <= all.size());
    const ino_t frame = all[i + 2].dma_buf;
    CHECK(frames.contains(frame));
    CHECK((Events(all.begin() + static_cast<ptrdiff_t>(i),
                  all.begin() + static_cast<ptrdiff_t>(i) + 8) ==
           Events{{surface, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE},
                  {surface, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW},
                  {frame, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE},
                  {0, SyncRecorder::kBegun},
                  {0, SyncRecorder::kEnded},
                  {surface, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW},
                  {frame, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE},
                  {surface, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE}}));
    ++pictures;
    i += 8;
  }
  CHECK(pictures == kPictures);
}

TEST_CASE("without dma-bufs for pictures they are copied, and the log says why once") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = expect_exported(kPlainClips[0]);
  const LogCapture log;
  // The first is the surface's.
  const Played played = play_in_dma_bufs(kPlainClips[0], kOnGpu, 1);
  CHECK((played.images == expected.images));
  CHECK(played.packed_on == Counts{{"vulkan+copy", kPictures}});
  CHECK(played.gpu_failures == 0);
  CHECK(log.count("pictures are copied for the GPU") == 1);
}

TEST_CASE("a dma-buf that cannot be imported is copied, and the next picture's is tried again") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = expect_exported(kPlainClips[1]);
  for (const char* const call :
       {"vkGetMemoryFdPropertiesKHR", "vkAllocateMemory", "vkBindBufferMemory"}) {
    CAPTURE(call);
    Faults faults;
    faults.order(call, 2, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    const Played played = play_in_dma_bufs(kPlainClips[1], kOnGpu);
    CHECK(faults.happened());
    CHECK((played.images == expected.images));
    CHECK(played.packed_on == Counts{{"vulkan", kPictures - 1}, {"vulkan+copy", 1}});
    CHECK(played.gpu_failures == 0);
  }
}

TEST_CASE("a device that is lost leaves pictures in dma-bufs to the CPU") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = expect_exported(kPlainClips[0]);
  Faults faults;
  faults.order("vkQueueSubmit", 5, VK_ERROR_DEVICE_LOST);
  const Played played = play_in_dma_bufs(kPlainClips[0], kOnGpu);
  CHECK((played.images == expected.images));
  CHECK(played.packed_on == Counts{{"vulkan", 5}, {simd(), kPictures - 5}});
  CHECK(played.gpu_failures == 1);
}

TEST_CASE("pictures are in dma-bufs only where a GPU needs them there") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  // It takes any memory.
  std::atomic<int> allocated = 0;
  const Played played =
      play(kPlainClips[0], kOnGpu, test_options(), std::make_unique<DmaBufs>(allocated));
  CHECK(played.packed_on == Counts{{"vulkan", kPictures}});
  CHECK(allocated == 1);  // the surface
  // Nobody asks for it.
  const DmaBufDriver driver;
  const Played on_cpu = play(kPlainClips[0], {.pack = Substrate::kSimd}, DmaBufDriver::options(),
                             std::make_unique<DmaBufs>(allocated));
  CHECK(on_cpu.packed_on == Counts{{simd(), kPictures}});
  CHECK(allocated == 2);
}

TEST_CASE("where the GPU was measured to be better, pictures come to lie in dma-bufs") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = expect_exported(kPlainClips[0]);
  const TemporaryFolder cache;
  gpu_kernels::CostTable table(gpu_kernels::machine_key() + "-software");
  table.set(gpu_kernels::Work::of(Stage::kPack, 320 - 13, 180, 8),
            gpu_kernels::Comparison{{9000, 1}, {900, 1}});
  std::ofstream(cache.path() + "/gpu-costs") << table.text();
  Played played = play_in_dma_bufs(kPlainClips[0], {.cache_folder = cache.path()});
  CHECK((played.images == expected.images));
  // Those that were decoded before the first was packed are not.
  CHECK(played.packed_on["vulkan"] + played.packed_on["vulkan+copy"] == kPictures);
  CHECK(played.packed_on["vulkan"] >= kPictures / 2);
  CHECK(played.packed_on["vulkan+copy"] >= 1);
}

TEST_CASE("what the GPU costs is measured in dma-bufs where it imports nothing else") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const DmaBufDriver driver;
  std::atomic<int> allocated = 0;
  for (const Stage stage : {Stage::kPack, Stage::kFilmGrain, Stage::kSand}) {
    for (const bool imports_memory : {false, true}) {
      const int imports = driver.imports();
      allocated = 0;
      const auto core = Core::create({}, imports_memory ? test_options() : DmaBufDriver::options(),
                                     std::make_unique<DmaBufs>(allocated));
      REQUIRE(core->dispatcher()->measure(gpu_kernels::Work::of(stage, 320, 180, 8)).ok());
      CHECK(allocated == (imports_memory ? 0 : 2));
      CHECK(driver.imports() == imports + allocated);
      CHECK(driver.imported() == 0);
    }
  }
}

TEST_CASE("the stateful decoder's pictures lie in dma-bufs, too") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const DmaBufDriver driver;
  std::atomic<int> allocated = 0;
  Settings settings;
  settings.substrate.set(Stage::kPack, Substrate::kVulkan);
  const auto core =
      Core::create(settings, DmaBufDriver::options(), std::make_unique<DmaBufs>(allocated));
  const Stream stream = read_clip("vp9.webm");
  const auto decoder = StreamDecoder::create(core, {stream.codec, "v4l2"}, [] {});
  REQUIRE(decoder.ok());
  size_t pushed = 0;
  for (size_t pictures = 0; pictures < kPictures;) {
    if ((*decoder)->push(stream.packets.at(pushed), pushed)) ++pushed;
    const auto picture = (*decoder)->pop_picture();
    if (!picture) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    ++pictures;
    const FrameView& view = picture->frame.view;
    for (size_t i = 0; i < view.planes.size(); ++i) {
      const size_t rows = i == 0 ? view.height : (view.height + 1) / 2;
      CHECK(core->gpu()->dma_bufs().find(view.planes[i].data, view.planes[i].stride * rows) !=
            nullptr);
    }
  }
}

}  // namespace
}  // namespace daedalus::core::test
