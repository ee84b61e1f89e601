// H.264 clips through the core with inter prediction and residual on a GPU, here the driver on the
// CPU: the same samples as on the CPU, counted as what they were, also where the GPU fails.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/statistics.h"
#include "decode_core/core.h"
#include "decode_core/software/h264/inter_gpu.h"
#include "decode_core/surface.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/vulkan/late_work.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan_stages.h"
#include "test/catch.h"
#include "test/corpus.h"
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
using gpu_kernels::Comparison;
using gpu_kernels::Cost;
using gpu_kernels::CostGoal;
using gpu_kernels::Substrate;
using gpu_kernels::Work;
using gpu_kernels::vulkan::DeviceChoice;
using gpu_kernels::vulkan::DeviceOptions;
using gpu_kernels::vulkan::Faults;
using gpu_kernels::vulkan::LateWork;
using gpu_kernels::vulkan::test_options;

constexpr size_t kPictures = 30;

struct Played {
  std::vector<std::vector<uint8_t>> images;  // in display order
  Counts mc, idct;
  uint64_t gpu_failures = 0;
  uint64_t concealed = 0;
};

// `cache`: the folder of measurements.
Played play(const std::string& clip, const std::string& substrate, const DeviceOptions& gpu,
            int threads = 1, const std::string& cache = "") {
  const TemporaryFolder statistics;
  Settings settings;
  settings.threads = threads;
  settings.engine = "native";
  settings.statistics_folder = statistics.path();
  settings.substrate = *gpu_kernels::parse_substrate_choice(substrate);
  settings.cache_folder = cache;
  settings.gpu_goal = CostGoal::kLatency;
  Played played;
  {
    const auto core = Core::create(settings, gpu);
    auto stream = parsed_stream::ParsedStream::open(clip);
    REQUIRE(stream.ok());
    const uint32_t width = (*stream)->width();
    const uint32_t height = (*stream)->height();
    const auto session = core->open_session({*(*stream)->profile(), width, height, "replay"});
    REQUIRE(session.ok());
    Surface surface(core, SurfaceFormat::kNv12, width, height);
    const LinearLayout layout = layout_of(ImageFormat::kNv12, width, height);
    parsed_stream::Event event;
    while (played.images.size() < kPictures && *(*stream)->next(event)) {
      if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
        REQUIRE((*session)->submit(std::move(decode->job)).ok());
        continue;
      }
      surface.set_picture(std::get<parsed_stream::OutputEvent>(event).picture);
      std::vector<uint8_t>& image = played.images.emplace_back(layout.size);
      const Rect all{0, 0, width, height};
      REQUIRE(surface.read(all, ImageFormat::kNv12, layout, image.data()).ok());
    }
  }
  const StatisticsSnapshot page = only_page(statistics.path());
  played.gpu_failures = page.gpu_failures;
  played.concealed = page.concealed;
  played.mc = pictures_of(page, "mc");
  played.idct = pictures_of(page, "idct");
  return played;
}

std::string mc_on_cpu() { return gpu_kernels::h264_mc_functions(Substrate::kSimd).target; }
std::string idct_on_cpu() { return gpu_kernels::h264_idct_functions(Substrate::kSimd).target; }
const std::string kOnGpu = "vulkan+copy";
const std::string kBothOnGpu = "mc=vulkan,idct=vulkan";

std::string no_device() { return gpu_kernels::vulkan::open_test_device().reason; }

const std::string kClip = "test/data/h264.mp4";
const std::string kInterlaced = "test/data/h264_interlaced.mp4";

// Of the clip's first kPictures all but the first have inter macroblocks.
constexpr uint64_t kInter = kPictures - 1;

TEST_CASE("inter prediction and residual are the GPU's where that is asked for") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  REQUIRE(expected.images.size() == kPictures);
  CHECK(expected.mc == Counts{{"scalar", kPictures}});
  const Played both = play(kClip, kBothOnGpu, test_options());
  CHECK((both.images == expected.images));
  CHECK(both.mc == Counts{{kOnGpu, kInter}, {mc_on_cpu(), 1}});
  CHECK(both.idct == Counts{{kOnGpu, kInter}, {idct_on_cpu(), 1}});
  CHECK(both.gpu_failures == 0);
  CHECK(both.concealed == 0);
  const Played mc_alone = play(kClip, "mc=vulkan", test_options());
  CHECK((mc_alone.images == expected.images));
  CHECK(mc_alone.mc == both.mc);
  CHECK(mc_alone.idct == Counts{{idct_on_cpu(), kPictures}});
}

TEST_CASE("references that the GPU has are not copied for each picture") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const LogCapture log;
  const Played played = play(kClip, kBothOnGpu, test_options());
  CHECK(played.mc == Counts{{kOnGpu, kInter}, {mc_on_cpu(), 1}});
  // It is told when the core goes; the session's thread may be the last to let go.
  const std::regex told("the GPU predicted (\\d+) H.264 pictures, (\\d+) references copied");
  std::smatch found;
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!std::regex_search(text, found, told) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    text = log.text();
  }
  REQUIRE(found.size() == 3);
  CHECK(std::stoul(found[1]) == kInter);
  // Most pictures name two, which another has named before.
  CHECK(std::stoul(found[2]) > 0);
  CHECK(std::stoul(found[2]) < kInter);
}

TEST_CASE("residual alone stays on the CPU") {
  const Played played = play(kClip, "idct=vulkan", test_options());
  CHECK(played.mc == Counts{{mc_on_cpu(), kPictures}});
  CHECK(played.idct == Counts{{idct_on_cpu(), kPictures}});
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("several pictures under way wait for one another's samples") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  const Played played = play(kClip, kBothOnGpu, test_options(), /*threads=*/4);
  CHECK((played.images == expected.images));
  CHECK(played.mc == Counts{{kOnGpu, kInter}, {mc_on_cpu(), 1}});
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("frames with field macroblocks are the CPU's") {
  const Played expected = play(kInterlaced, "scalar", {});
  const Played played = play(kInterlaced, kBothOnGpu, test_options());
  CHECK((played.images == expected.images));
  CHECK(played.mc.size() == 1);
  CHECK(played.mc.count(mc_on_cpu()) == 1);
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("a GPU that a picture was too much for is not asked for the next ones") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  gpu_kernels::VulkanStages gpu(test_options());
  gpu_kernels::Dispatcher dispatcher(gpu, {});
  gpu_kernels::SubstrateChoice substrate;
  substrate.set(gpu_kernels::Stage::kMc, Substrate::kVulkan);
  h264::InterGpu inter(&dispatcher, substrate);
  CHECK(inter.takes(16, 16));
  std::vector<uint8_t> target(16 * 16 + 16 * 8);
  const gpu_kernels::H264McReference wide{.width = 0x10000, .height = 16};
  const gpu_kernels::H264Prediction block{.width = 16, .height = 16, .reference = {0, 0xFF}};
  const Status done = inter.run({.pictures = {.luma = target.data(),
                                              .chroma = target.data() + 16 * 16,
                                              .luma_stride = 16,
                                              .chroma_stride = 16,
                                              .references = {&wide, 1},
                                              .weights = {}},
                                 .width = 16,
                                 .height = 16,
                                 .predictions = {&block, 1},
                                 .residuals = {}});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::kUnsupported);
  CHECK_FALSE(inter.takes(16, 16));
}

// Also whose second fields refer to the first ones of their frames.
TEST_CASE("fields are predicted on the GPU too") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  constexpr int kMostFrames = 30;
  daedalus::test::for_each_corpus_stream(
      "h264", [&](const std::string& path, const daedalus::test::CorpusRow& row) {
        const std::string& tools = row.at("tools");
        if (tools.find("PAFF") == std::string::npos || std::stoi(row.at("frames")) > kMostFrames ||
            !daedalus::test::has_420_samples(row)) {
          return false;
        }
        const Played expected = play(path, "scalar", {});
        const Played played = play(path, kBothOnGpu, test_options());
        CHECK((played.images == expected.images));
        CHECK(played.mc.count(kOnGpu) == 1);
        CHECK(played.gpu_failures == 0);
        return true;
      });
}

TEST_CASE("a device that is lost loses no picture, and is counted once") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  Faults faults;
  faults.order("vkQueueSubmit", 5, VK_ERROR_DEVICE_LOST);
  const Played played = play(kClip, kBothOnGpu, Faults::options());
  CHECK((played.images == expected.images));
  CHECK(played.mc == Counts{{kOnGpu, 5}, {mc_on_cpu(), kPictures - 5}});
  CHECK(played.idct == Counts{{kOnGpu, 5}, {idct_on_cpu(), kPictures - 5}});
  CHECK(played.gpu_failures == 1);
  CHECK(played.concealed == 0);
}

TEST_CASE("a GPU without memory for a picture gets the next one") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  Faults faults;
  faults.order("vkEndCommandBuffer", 3, VK_ERROR_OUT_OF_HOST_MEMORY);
  const Played played = play(kClip, kBothOnGpu, Faults::options());
  CHECK((played.images == expected.images));
  CHECK(played.mc == Counts{{kOnGpu, kInter - 1}, {mc_on_cpu(), 2}});
  CHECK(played.gpu_failures == 1);
}

// The clip's pictures.
Work work_of(const std::string& clip) {
  const auto stream = parsed_stream::ParsedStream::open(clip);
  REQUIRE(stream.ok());
  return Work::of(gpu_kernels::Stage::kMc, (*stream)->width(), (*stream)->height(), 8);
}

// As if that had been measured before, on this machine.
void write_costs(const TemporaryFolder& cache, const Work& work, const Comparison& costs) {
  gpu_kernels::CostTable table(gpu_kernels::machine_key() + "-software");
  table.set(work, costs);
  std::ofstream(cache.path() + "/gpu-costs") << table.text();
}
// So slow that no picture counts as late.
constexpr Cost kBetter = {900, 1}, kWorse = {9000, 1};

TEST_CASE("where nothing is asked, what was measured decides") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  for (const bool gpu_better : {false, true}) {
    CAPTURE(gpu_better);
    const TemporaryFolder cache;
    write_costs(cache, work_of(kClip),
                gpu_better ? Comparison{kWorse, kBetter} : Comparison{kBetter, kWorse});
    const LogCapture log;
    const Played played = play(kClip, "auto", test_options(), 1, cache.path());
    CHECK((played.images == expected.images));
    CHECK(played.mc == (gpu_better ? Counts{{kOnGpu, kInter}, {mc_on_cpu(), 1}}
                                   : Counts{{mc_on_cpu(), kPictures}}));
    CHECK(played.idct == (gpu_better ? Counts{{kOnGpu, kInter}, {idct_on_cpu(), 1}}
                                     : Counts{{idct_on_cpu(), kPictures}}));
    CHECK(played.gpu_failures == 0);
    CHECK(log.count(gpu_better ? "the GPU does it (latency)" : "the CPU does it (latency)") == 1);
  }
}

TEST_CASE("a GPU that was better does nothing where one of the stages is asked of the CPU") {
  const TemporaryFolder cache;
  write_costs(cache, work_of(kClip), {kWorse, kBetter});
  for (const std::string substrate : {"mc=simd", "idct=simd"}) {
    const Played played = play(kClip, substrate, test_options(), 1, cache.path());
    CHECK(played.mc == Counts{{mc_on_cpu(), kPictures}});
    CHECK(played.idct == Counts{{idct_on_cpu(), kPictures}});
  }
}

TEST_CASE("frames with field macroblocks are the CPU's, whatever was measured") {
  const TemporaryFolder cache;
  write_costs(cache, work_of(kInterlaced), {kWorse, kBetter});
  const Played played = play(kInterlaced, "auto", test_options(), 1, cache.path());
  CHECK((played.images == play(kInterlaced, "scalar", {}).images));
  CHECK(played.mc.size() == 1);
  CHECK(played.mc.count(mc_on_cpu()) == 1);
}

TEST_CASE("a driver on the CPU is measured while the first clip plays, and refused for the next") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  DAEDALUS_SKIP("sanitizers slow our own code down, but not the driver's");
#endif
  const Played expected = play(kClip, "scalar", {});
  const TemporaryFolder cache;
  const DeviceOptions gpu = test_options();
  const Played first = play(kClip, "auto", gpu, 1, cache.path());
  CHECK((first.images == expected.images));
  CHECK(first.mc == Counts{{mc_on_cpu(), kPictures}});
  // The measurement may have been cut off with the first core: once more, as long as it takes.
  gpu_kernels::VulkanStages stages(gpu);
  gpu_kernels::Dispatcher dispatcher(
      stages, {CostGoal::kLatency, cache.path(), gpu_kernels::Measuring::kNever, {}});
  REQUIRE(dispatcher.measure(work_of(kClip)).ok());
  const LogCapture log;
  const Played next = play(kClip, "auto", gpu, 1, cache.path());
  CHECK((next.images == expected.images));
  CHECK(next.mc == Counts{{mc_on_cpu(), kPictures}});
  CHECK(next.idct == Counts{{idct_on_cpu(), kPictures}});
  CHECK(next.gpu_failures == 0);
  CHECK(log.count(to_string(work_of(kClip)) + ": CPU ") == 1);
  CHECK(log.count("the CPU does it (latency)") == 1);
}

TEST_CASE("a picture that the GPU is late with is the CPU's, and so are those after it") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClip, "scalar", {});
  const TemporaryFolder cache;
  // Three seconds for each picture.
  write_costs(cache, work_of(kClip), {kWorse, {750, 1}});
  LateWork late;
  late.hold(/*passing=*/5);
  // The device waits for its work when it is closed.
  std::thread later([&] {
    while (!late.holds()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(3500));
    late.release();
  });
  const LogCapture log;
  const Played played = play(kClip, "auto", LateWork::options(), 1, cache.path());
  later.join();
  CHECK((played.images == expected.images));
  CHECK(played.mc == Counts{{kOnGpu, 5}, {mc_on_cpu(), kPictures - 5}});
  CHECK(played.idct == Counts{{kOnGpu, 5}, {idct_on_cpu(), kPictures - 5}});
  CHECK(played.gpu_failures == 1);
  CHECK(played.concealed == 0);
  CHECK(log.count("the GPU is late") == 1);
  CHECK(log.count("the CPU does it from now on") == 1);
}

TEST_CASE("without a device the CPU predicts") {
  const Played played = play(kClip, kBothOnGpu, {DeviceChoice::kNone, {}});
  CHECK((played.images == play(kClip, "scalar", {}).images));
  CHECK(played.mc == Counts{{mc_on_cpu(), kPictures}});
  CHECK(played.gpu_failures == 0);
}

}  // namespace
}  // namespace daedalus::core::test
