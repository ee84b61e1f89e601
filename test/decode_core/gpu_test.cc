// Clips decoded through the core with the output pass on a GPU, here the driver on the CPU: the
// same bytes as on scalar code, counted as what they were, also where the GPU fails.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/statistics.h"
#include "decode_core/core.h"
#include "decode_core/surface.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/vulkan/late_work.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan_stages.h"
#include "test/catch.h"
#include "test/log_capture.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::LogCapture;
using daedalus::test::only_page;
using daedalus::test::pictures_of;
using daedalus::test::StageCounts;
using daedalus::test::TemporaryFolder;
using gpu_kernels::Stage;
using gpu_kernels::Substrate;
using gpu_kernels::vulkan::DeviceChoice;
using gpu_kernels::vulkan::DeviceOptions;
using gpu_kernels::vulkan::Faults;
using gpu_kernels::vulkan::LateWork;
using gpu_kernels::vulkan::test_options;

constexpr size_t kPictures = 12;

struct Played {
  std::vector<std::vector<uint8_t>> images;  // read from the surfaces, in display order
  StageCounts packed_on, grain_on;
  uint64_t gpu_failures = 0;
};

std::vector<uint8_t> image_of(Surface& surface) {
  const ImageFormat format =
      surface.format() == SurfaceFormat::kP010 ? ImageFormat::kP010 : ImageFormat::kNv12;
  const LinearLayout layout = layout_of(format, surface.width(), surface.height());
  // As clients' buffers are: in pages of their own.
  constexpr size_t kPage = 4096;
  const size_t size = (layout.size + kPage - 1) / kPage * kPage;
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* const bytes = static_cast<uint8_t*>(memory);
  const Rect all{0, 0, surface.width(), surface.height()};
  REQUIRE(surface.read(all, format, layout, bytes).ok());
  std::vector<uint8_t> image(bytes, bytes + layout.size);
  ::munmap(memory, size);
  return image;
}

// Of a clip without film grain every picture gets some, each another.
void add_film_grain(DecodeJob& job, uint16_t seed) {
  v4l2_ctrl_av1_film_grain& grain = std::get<Av1Parameters>(job.parameters).film_grain;
  grain = {};
  grain.flags = V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN | V4L2_AV1_FILM_GRAIN_FLAG_OVERLAP;
  grain.grain_seed = seed;
  grain.num_y_points = 2;
  grain.point_y_value[1] = 255;
  grain.point_y_scaling[0] = 40;
  grain.point_y_scaling[1] = 90;
  // Of chroma Cb alone.
  grain.num_cb_points = 1;
  grain.point_cb_scaling[0] = 70;
  grain.grain_scaling_minus_8 = 1;
  grain.ar_coeff_lag = 2;
  std::fill(std::begin(grain.ar_coeffs_y_plus_128), std::end(grain.ar_coeffs_y_plus_128), 130);
  std::fill(std::begin(grain.ar_coeffs_cb_plus_128), std::end(grain.ar_coeffs_cb_plus_128), 125);
  std::fill(std::begin(grain.ar_coeffs_cr_plus_128), std::end(grain.ar_coeffs_cr_plus_128), 128);
  grain.cb_mult = 128;
  grain.cb_luma_mult = 192;
  grain.cb_offset = 256;
  job.display = std::make_shared<Picture>();
}

// Decodes the clip's first pictures and reads each through a surface of an odd size.
// `cache`: the folder of measurements.
Played play(const std::string& clip, Substrate pack, const DeviceOptions& gpu,
            std::optional<Substrate> film_grain = std::nullopt, const std::string& cache = "") {
  TemporaryFolder folder;
  Settings settings;
  settings.threads = 1;
  settings.statistics_folder = folder.path();
  settings.substrate.set(Stage::kPack, pack);
  settings.cache_folder = cache;
  settings.gpu_goal = gpu_kernels::CostGoal::kLatency;
  settings.substrate.set(Stage::kFilmGrain, film_grain.value_or(Substrate::kAuto));
  Played played;
  {
    const auto core = Core::create(settings, gpu);
    auto stream = parsed_stream::ParsedStream::open(clip);
    REQUIRE(stream.ok());
    const auto session = core->open_session(
        {*(*stream)->profile(), (*stream)->width(), (*stream)->height(), "replay"});
    REQUIRE(session.ok());
    const bool wide = clip.find("10bit") != std::string::npos;
    Surface surface(core, wide ? SurfaceFormat::kP010 : SurfaceFormat::kNv12,
                    (*stream)->width() - 13, (*stream)->height() + 3);
    parsed_stream::Event event;
    std::map<std::shared_ptr<Picture>, std::shared_ptr<Picture>> displays;
    uint16_t seed = 0;
    while (played.images.size() < kPictures && *(*stream)->next(event)) {
      if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
        if (film_grain.has_value() && decode->job.display == nullptr) {
          add_film_grain(decode->job, ++seed);
          displays[decode->job.target] = decode->job.display;
        }
        REQUIRE((*session)->submit(std::move(decode->job)).ok());
      } else {
        const auto picture = std::get<parsed_stream::OutputEvent>(event).picture;
        const auto display = displays.find(picture);
        surface.set_picture(display != displays.end() ? display->second : picture);
        played.images.push_back(image_of(surface));
      }
    }
  }
  const StatisticsSnapshot page = only_page(folder.path());
  played.gpu_failures = page.gpu_failures;
  played.packed_on = pictures_of(page, "pack");
  played.grain_on = pictures_of(page, "film_grain");
  return played;
}

const std::vector<std::string> kClips = {"test/data/vp9.webm", "test/data/vp9_10bit.webm"};

std::string simd() { return gpu_kernels::pack_functions(Substrate::kSimd).target; }

std::string no_device() { return gpu_kernels::vulkan::open_test_device().reason; }

using Counts = std::map<std::string, uint64_t>;

// What the surfaces of play() ask of a stage.
gpu_kernels::Work work_of(Stage stage, const std::string& clip) {
  const auto stream = parsed_stream::ParsedStream::open(clip);
  REQUIRE(stream.ok());
  return gpu_kernels::Work::of(stage, (*stream)->width() - 13, (*stream)->height(),
                               clip.find("10bit") != std::string::npos ? 10 : 8);
}

// As if that had been measured before, on this machine.
void write_costs(const TemporaryFolder& cache, const gpu_kernels::Work& work,
                 const gpu_kernels::Comparison& costs) {
  gpu_kernels::CostTable table(gpu_kernels::machine_key() + "-software");
  table.set(work, costs);
  std::ofstream(cache.path() + "/gpu-costs") << table.text();
}
// So slow that no picture counts as late.
const gpu_kernels::Cost kBetter = {900, 1}, kWorse = {9000, 1};

TEST_CASE("every picture is packed on the GPU where that is asked for, and on nothing else") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  for (const std::string& clip : kClips) {
    CAPTURE(clip);
    const Played expected = play(clip, Substrate::kScalar, {});
    REQUIRE(expected.images.size() == kPictures);
    CHECK(expected.packed_on == std::map<std::string, uint64_t>{{"scalar", kPictures}});
    const Played played = play(clip, Substrate::kVulkan, test_options());
    CHECK((played.images == expected.images));
    CHECK(played.packed_on == std::map<std::string, uint64_t>{{"vulkan", kPictures}});
    CHECK(played.gpu_failures == 0);
  }
}

// The second has film grain.
const std::vector<std::string> kGrainClips = {"test/data/av1.webm", "test/data/av1_10bit.webm"};

TEST_CASE("film grain is added as pictures are packed") {
  const Played clean = play(kGrainClips[0], Substrate::kAuto, {});
  CHECK(clean.grain_on.empty());
  for (const std::string& clip : kGrainClips) {
    CAPTURE(clip);
    const Played expected = play(clip, Substrate::kAuto, {}, Substrate::kScalar);
    CHECK((expected.images != clean.images));
    REQUIRE(expected.images.size() == kPictures);
    for (const Substrate substrate : {Substrate::kScalar, Substrate::kSimd, Substrate::kAuto}) {
      const Played played = play(clip, Substrate::kAuto, {}, substrate);
      CHECK((played.images == expected.images));
      CHECK(played.packed_on.empty());
      const std::string target = gpu_kernels::av1_film_grain_functions(substrate).target;
      CHECK(played.grain_on == Counts{{target, kPictures}});
    }
  }
}

TEST_CASE("film grain is added on the GPU where that is asked for, and on nothing else") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  for (const std::string& clip : kGrainClips) {
    CAPTURE(clip);
    const Played expected = play(clip, Substrate::kAuto, {}, Substrate::kScalar);
    const Played played = play(clip, Substrate::kAuto, test_options(), Substrate::kVulkan);
    CHECK((played.images == expected.images));
    CHECK(played.packed_on.empty());
    CHECK(played.grain_on == Counts{{"vulkan", kPictures}});
    CHECK(played.gpu_failures == 0);
  }
}

TEST_CASE("a GPU that fails at film grain leaves the picture to the CPU") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kGrainClips[0], Substrate::kAuto, {}, Substrate::kScalar);
  Faults faults;
  const LogCapture log;
  faults.order("vkQueueSubmit", 5, VK_ERROR_DEVICE_LOST);
  const Played played =
      play(kGrainClips[0], Substrate::kAuto, Faults::options(), Substrate::kVulkan);
  CHECK((played.images == expected.images));
  const std::string target = gpu_kernels::av1_film_grain_functions(Substrate::kSimd).target;
  CHECK(played.grain_on == Counts{{"vulkan", 5}, {target, kPictures - 5}});
  CHECK(played.gpu_failures == 1);
  CHECK(log.count("the device was lost") == 1);
}

TEST_CASE("a device that is lost loses no picture; it is counted and told once") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  for (const std::string& clip : kClips) {
    CAPTURE(clip);
    const Played expected = play(clip, Substrate::kScalar, {});
    Faults faults;
    const LogCapture log;
    faults.order("vkQueueSubmit", 5, VK_ERROR_DEVICE_LOST);
    const Played played = play(clip, Substrate::kVulkan, Faults::options());
    CHECK((played.images == expected.images));
    CHECK(played.packed_on ==
          std::map<std::string, uint64_t>{{"vulkan", 5}, {simd(), kPictures - 5}});
    CHECK(played.gpu_failures == 1);
    CHECK(log.count("the device was lost") == 1);
  }
}

TEST_CASE("a GPU without memory for a picture gets the next one") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClips[0], Substrate::kScalar, {});
  Faults faults;
  const LogCapture log;
  faults.order("vkEndCommandBuffer", 3, VK_ERROR_OUT_OF_HOST_MEMORY);
  const Played played = play(kClips[0], Substrate::kVulkan, Faults::options());
  CHECK((played.images == expected.images));
  CHECK(played.packed_on ==
        std::map<std::string, uint64_t>{{"vulkan", kPictures - 1}, {simd(), 1}});
  CHECK(played.gpu_failures == 1);
  CHECK(log.count("out of memory") == 1);
}

TEST_CASE("memory that the device does not take is copied, and counted so") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClips[1], Substrate::kScalar, {});
  Faults faults;
  faults.order("vkGetMemoryHostPointerPropertiesEXT", 10, VK_ERROR_INVALID_EXTERNAL_HANDLE);
  const Played played = play(kClips[1], Substrate::kVulkan, Faults::options());
  CHECK((played.images == expected.images));
  CHECK(played.packed_on ==
        std::map<std::string, uint64_t>{{"vulkan", kPictures - 1}, {"vulkan+copy", 1}});
  CHECK(played.gpu_failures == 0);
}

TEST_CASE("a picture that the GPU is late with is the CPU's, and so are those after it") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClips[1], Substrate::kScalar, {});
  TemporaryFolder cache;
  // Two seconds for each picture.
  write_costs(cache, work_of(Stage::kPack, kClips[1]), {kWorse, {500, 1}});
  LateWork late;
  late.hold(/*passing=*/5);
  // The device waits for its work when it is closed.
  std::thread later([&] {
    while (!late.holds()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    late.release();
  });
  const LogCapture log;
  const Played played =
      play(kClips[1], Substrate::kAuto, LateWork::options(), std::nullopt, cache.path());
  later.join();
  CHECK((played.images == expected.images));
  CHECK(played.packed_on == Counts{{"vulkan+copy", 5}, {simd(), kPictures - 5}});
  CHECK(played.gpu_failures == 1);
  CHECK(log.count("the GPU is late") == 1);
  CHECK(log.count("the CPU does it from now on") == 1);
}

TEST_CASE("without a device the CPU packs, and the log says why") {
  const Played expected = play(kClips[0], Substrate::kScalar, {});
  const LogCapture log;
  const Played played = play(kClips[0], Substrate::kVulkan, {.choice = DeviceChoice::kNone});
  CHECK((played.images == expected.images));
  CHECK(played.packed_on == std::map<std::string, uint64_t>{{simd(), kPictures}});
  CHECK(played.gpu_failures == 0);
  CHECK(log.count("no stage runs on a GPU") == 1);
}

TEST_CASE("a device is opened only where a stage asks for it") {
  Faults faults;
  bool opened = false;
  const auto instrument = [&](VolkDeviceTable&) { opened = true; };
  const Played played = play(kClips[0], Substrate::kSimd,
                             {.choice = DeviceChoice::kSoftware, .instrument = instrument});
  CHECK(played.packed_on == std::map<std::string, uint64_t>{{simd(), kPictures}});
  CHECK_FALSE(opened);
  if (gpu_kernels::has_videocore()) return;
  const Played unasked =
      play(kClips[0], Substrate::kAuto, {.choice = DeviceChoice::kAuto, .instrument = instrument});
  CHECK(unasked.packed_on == std::map<std::string, uint64_t>{{simd(), kPictures}});
  CHECK_FALSE(opened);
}

TEST_CASE("where nothing is asked, what was measured decides") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const Played expected = play(kClips[0], Substrate::kScalar, {});
  for (const bool gpu_better : {false, true}) {
    CAPTURE(gpu_better);
    TemporaryFolder cache;
    write_costs(cache, work_of(Stage::kPack, kClips[0]),
                gpu_better ? gpu_kernels::Comparison{kWorse, kBetter}
                           : gpu_kernels::Comparison{kBetter, kWorse});
    const Played played =
        play(kClips[0], Substrate::kAuto, test_options(), std::nullopt, cache.path());
    CHECK((played.images == expected.images));
    CHECK(played.packed_on ==
          std::map<std::string, uint64_t>{{gpu_better ? "vulkan" : simd(), kPictures}});
    CHECK(played.gpu_failures == 0);
  }
}

TEST_CASE("where nothing is asked, what was measured decides on film grain too") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
  const std::string target = gpu_kernels::av1_film_grain_functions(Substrate::kSimd).target;
  for (const std::string& clip : kGrainClips) {
    CAPTURE(clip);
    const Played expected = play(clip, Substrate::kAuto, {}, Substrate::kScalar);
    for (const bool gpu_better : {false, true}) {
      CAPTURE(gpu_better);
      TemporaryFolder cache;
      write_costs(cache, work_of(Stage::kFilmGrain, clip),
                  gpu_better ? gpu_kernels::Comparison{kWorse, kBetter}
                             : gpu_kernels::Comparison{kBetter, kWorse});
      const LogCapture log;
      const Played played =
          play(clip, Substrate::kAuto, test_options(), Substrate::kAuto, cache.path());
      CHECK((played.images == expected.images));
      CHECK(played.packed_on.empty());
      CHECK(played.grain_on == Counts{{gpu_better ? "vulkan" : target, kPictures}});
      CHECK(played.gpu_failures == 0);
      CHECK(log.count(gpu_better ? "the GPU does it (latency)" : "the CPU does it (latency)") == 1);
    }
  }
}

// The clip twice: before the stage was measured, and after.
void check_refused(const std::string& clip, Stage stage, const std::string& on_cpu,
                   Counts Played::*counts) {
  const std::optional<Substrate> film_grain =
      stage == Stage::kFilmGrain ? std::optional(Substrate::kAuto) : std::nullopt;
  const Played expected = play(clip, Substrate::kScalar, {},
                               film_grain ? std::optional(Substrate::kScalar) : std::nullopt);
  TemporaryFolder cache;
  const DeviceOptions gpu = test_options();
  const Played first = play(clip, Substrate::kAuto, gpu, film_grain, cache.path());
  CHECK((first.images == expected.images));
  CHECK(first.*counts == Counts{{on_cpu, kPictures}});
  // The measurement may have been cut off with the first core: once more, as long as it takes.
  gpu_kernels::VulkanStages stages(gpu);
  gpu_kernels::Dispatcher dispatcher(
      stages, {gpu_kernels::CostGoal::kBalanced, cache.path(), gpu_kernels::Measuring::kNever, {}});
  REQUIRE(dispatcher.measure(work_of(stage, clip)).ok());
  const LogCapture log;
  const Played next = play(clip, Substrate::kAuto, gpu, film_grain, cache.path());
  CHECK((next.images == expected.images));
  CHECK(next.*counts == Counts{{on_cpu, kPictures}});
  CHECK(next.gpu_failures == 0);
  CHECK(log.count(to_string(work_of(stage, clip)) + ": CPU ") == 1);
  CHECK(log.count("the CPU does it (latency)") == 1);
}

TEST_CASE("a driver on the CPU is measured while the first clip plays, and refused for the next") {
  if (const std::string reason = no_device(); !reason.empty()) DAEDALUS_SKIP(reason);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  DAEDALUS_SKIP("sanitizers slow our own code down, but not the driver's");
#endif
  check_refused(kClips[0], Stage::kPack, simd(), &Played::packed_on);
  check_refused(kGrainClips[0], Stage::kFilmGrain,
                gpu_kernels::av1_film_grain_functions(Substrate::kSimd).target, &Played::grain_on);
}

}  // namespace
}  // namespace daedalus::core::test
