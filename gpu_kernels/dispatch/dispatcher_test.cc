// The dispatcher on the driver that runs on the CPU, which must lose.
#include "gpu_kernels/dispatch/dispatcher.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gpu_kernels/vulkan/test_device.h"
#include "gpu_kernels/vulkan_stages.h"
#include "test/catch.h"
#include "test/temporary_file.h"

namespace daedalus::gpu_kernels {
namespace {

using test::TemporaryFolder;
using vulkan::DeviceChoice;

// Sanitizers slow our own code down, but not the driver's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr bool kAsUsersRunIt = false;
#else
constexpr bool kAsUsersRunIt = true;
#endif

const Work kWork = Work::of(Stage::kPack, 1920, 1080, 8);
// All kinds of work that there are.
const std::vector<Work> kMeasured = {kWork,
                                     Work::of(Stage::kFilmGrain, 1280, 720, 8),
                                     Work::of(Stage::kFilmGrain, 1280, 720, 10),
                                     Work::of(Stage::kMc, 1280, 720, 8),
                                     Work::of(Stage::kSand, 1280, 720, 8),
                                     Work::of(Stage::kSand, 1280, 720, 10)};

Dispatcher::Options in(const TemporaryFolder& folder, Measuring measuring) {
  return {CostGoal::kBalanced, folder.path() + "/daedalus", measuring, {}};
}

// As if that had been measured before.
void write_costs(const TemporaryFolder& folder, const Comparison& costs) {
  CostTable table(machine_key() + "-software");
  table.set(kWork, costs);
  std::filesystem::create_directories(folder.path() + "/daedalus");
  std::ofstream(folder.path() + "/daedalus/gpu-costs") << table.text();
}

TEST_CASE("a driver on the CPU is refused by measurement, once for all processes") {
  if (const auto opened = vulkan::open_test_device(); opened.device == nullptr) {
    DAEDALUS_SKIP(opened.reason);
  }
  for (const Work& work : kMeasured) {
    CAPTURE(to_string(work));
    const TemporaryFolder folder;
    {
      VulkanStages gpu(vulkan::test_options());
      Dispatcher dispatcher(gpu, in(folder, Measuring::kAlways));
      CHECK_FALSE(dispatcher.prefers_gpu(work));
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
      while (!dispatcher.measured(work) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      const auto costs = dispatcher.measured(work);
      REQUIRE(costs.has_value());
      CHECK(costs->cpu.wall > 0);
      CHECK(costs->gpu.wall > 0);
      CHECK(costs->gpu.cpu > 0);
      if (kAsUsersRunIt) CHECK_FALSE(gpu_wins(*costs, CostGoal::kBalanced));
      CHECK(dispatcher.prefers_gpu(work) == gpu_wins(*costs, CostGoal::kBalanced));
    }
    VulkanStages gpu(vulkan::test_options());
    Dispatcher next(gpu, in(folder, Measuring::kNever));
    const auto costs = next.measured(work);
    REQUIRE(costs.has_value());
    CHECK(next.prefers_gpu(work) == gpu_wins(*costs, CostGoal::kBalanced));
  }
}

TEST_CASE("other stages are not measured") {
  VulkanStages gpu(vulkan::test_options());
  Dispatcher dispatcher(gpu, {});
  const auto costs = dispatcher.measure(Work::of(Stage::kIntra, 1920, 1080, 8));
  REQUIRE_FALSE(costs.ok());
  CHECK(costs.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("what nobody measured is the CPU's, and no GPU is opened unasked") {
  const TemporaryFolder folder;
  VulkanStages gpu(vulkan::test_options());
  for (const Measuring measuring : {Measuring::kNever, Measuring::kOnVideoCore}) {
    Dispatcher::Options options = in(folder, measuring);
    options.machine.drm = folder.path();  // no VideoCore there
    Dispatcher dispatcher(gpu, options);
    CHECK_FALSE(dispatcher.prefers_gpu(kWork));
    CHECK_FALSE(dispatcher.prefers_gpu(kWork));
    CHECK_FALSE(dispatcher.measured(kWork).has_value());
  }
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/daedalus"));
}

TEST_CASE("a GPU that was better is preferred until it overruns") {
  const TemporaryFolder folder;
  write_costs(folder, {{5, 5}, {1, 0.1}});
  VulkanStages gpu(vulkan::test_options());
  Dispatcher dispatcher(gpu, in(folder, Measuring::kNever));
  CHECK(dispatcher.prefers_gpu(kWork));
  CHECK_FALSE(dispatcher.prefers_gpu(Work::of(Stage::kPack, 640, 480, 8)));
  dispatcher.note_gpu(kWork, std::chrono::milliseconds(900));  // compiling
  CHECK(dispatcher.prefers_gpu(kWork));
  dispatcher.note_gpu(kWork, std::chrono::microseconds(1500));
  CHECK(dispatcher.prefers_gpu(kWork));
  dispatcher.note_gpu(kWork, std::chrono::milliseconds(9));
  CHECK_FALSE(dispatcher.prefers_gpu(kWork));
}

TEST_CASE("a GPU that became slower while playing is preferred no longer") {
  const TemporaryFolder folder;
  write_costs(folder, {{2, 2}, {1, 0.1}});
  VulkanStages gpu(vulkan::test_options());
  Dispatcher dispatcher(gpu, in(folder, Measuring::kNever));
  REQUIRE(dispatcher.prefers_gpu(kWork));
  for (int i = 0; i < 100; ++i) dispatcher.note_gpu(kWork, std::chrono::milliseconds(5));
  CHECK_FALSE(dispatcher.prefers_gpu(kWork));
}

TEST_CASE("work has four times what was measured, and a while at least") {
  using std::chrono::milliseconds;
  using Clock = std::chrono::steady_clock;
  for (const double wall : {0.5, 50.0}) {
    const TemporaryFolder folder;
    write_costs(folder, {{500, 500}, {wall, 0.1}});
    VulkanStages gpu(vulkan::test_options());
    Dispatcher dispatcher(gpu, in(folder, Measuring::kNever));
    const auto patience = milliseconds(wall < 1 ? 8 : 200);
    const auto before = Clock::now();
    const vulkan::Deadline deadline = dispatcher.deadline(kWork);
    CHECK(deadline >= before + patience);
    CHECK(deadline <= Clock::now() + patience);
    CHECK(dispatcher.deadline(Work::of(Stage::kPack, 640, 480, 8)) == vulkan::kNoDeadline);
  }
}

TEST_CASE("who was too late is preferred no longer, who refused is") {
  const TemporaryFolder folder;
  write_costs(folder, {{5, 5}, {1, 0.1}});
  VulkanStages gpu(vulkan::test_options());
  Dispatcher dispatcher(gpu, in(folder, Measuring::kNever));
  const auto fail_late = [&](ErrorCode code) {
    return dispatcher.have_done(kWork, [&](vulkan::Deadline deadline) -> Status {
      std::this_thread::sleep_until(deadline);
      return Error{code, "no"};
    });
  };
  const auto done = dispatcher.have_done(kWork, [](vulkan::Deadline) { return Status(); });
  CHECK(done.ok());
  for (const ErrorCode code : {ErrorCode::kBusy, ErrorCode::kNotFound, ErrorCode::kOutOfMemory}) {
    CHECK(fail_late(code).error().code == code);
    CHECK(dispatcher.prefers_gpu(kWork));
  }
  CHECK(fail_late(ErrorCode::kTimeout).error().code == ErrorCode::kTimeout);
  CHECK_FALSE(dispatcher.prefers_gpu(kWork));
}

TEST_CASE("where there is no device, measuring says so") {
  VulkanStages gpu({.choice = DeviceChoice::kNone});
  Dispatcher dispatcher(gpu, {});
  const auto costs = dispatcher.measure(kWork);
  REQUIRE_FALSE(costs.ok());
  CHECK(costs.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a device that fails while it is measured is the CPU's to replace") {
  const TemporaryFolder folder;
  if (const auto opened = vulkan::open_test_device(); opened.device == nullptr) {
    DAEDALUS_SKIP(opened.reason);
  }
  vulkan::Faults faults;
  VulkanStages gpu(vulkan::Faults::options());
  Dispatcher dispatcher(gpu, in(folder, Measuring::kNever));
  REQUIRE(gpu.pack() != nullptr);
  faults.order("vkQueueSubmit", 0, VK_ERROR_OUT_OF_DEVICE_MEMORY);
  CHECK_FALSE(dispatcher.measure(kWork).ok());
  CHECK(faults.happened());
  CHECK_FALSE(dispatcher.prefers_gpu(kWork));
  CHECK(dispatcher.measure(kWork).ok());
}

}  // namespace
}  // namespace daedalus::gpu_kernels
