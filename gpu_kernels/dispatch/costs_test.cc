#include "gpu_kernels/dispatch/costs.h"

#include <filesystem>
#include <fstream>

#include "gpu_kernels/dispatch/machine.h"
#include "test/catch.h"
#include "test/temporary_file.h"

namespace daedalus::gpu_kernels {
namespace {

const Work kWork = Work::of(Stage::kPack, 1920, 1080, 8);

TEST_CASE("sizes that differ little are one kind of work") {
  CHECK(kWork == Work::of(Stage::kPack, 1900, 1088, 8));
  CHECK(kWork != Work::of(Stage::kPack, 1280, 720, 8));
  CHECK(kWork != Work::of(Stage::kPack, 1920, 1080, 10));
  CHECK(to_string(kWork) == "pack of 1920x1088, 8 bit");
  CHECK(to_string(Work::of(Stage::kMc, 720, 576, 8)) == "mc and idct of 768x576, 8 bit");
}

TEST_CASE("the goal decides, and a tenth is no win") {
  const Comparison busy = {{2.0, 2.0}, {3.0, 0.2}};  // slower, but it leaves the CPU free
  CHECK_FALSE(gpu_wins(busy, CostGoal::kLatency));
  CHECK(gpu_wins(busy, CostGoal::kBalanced));
  CHECK(gpu_wins(busy, CostGoal::kCpuFree));
  const Comparison quick = {{2.0, 2.0}, {1.0, 3.5}};  // faster, on more cores
  CHECK(gpu_wins(quick, CostGoal::kLatency));
  CHECK_FALSE(gpu_wins(quick, CostGoal::kBalanced));
  CHECK_FALSE(gpu_wins(quick, CostGoal::kCpuFree));
  const Comparison late = {{20.0, 20.0}, {kLongestWall + 1, 0.1}};
  CHECK(gpu_wins(late, CostGoal::kLatency));
  CHECK_FALSE(gpu_wins(late, CostGoal::kBalanced));
  CHECK_FALSE(gpu_wins(late, CostGoal::kCpuFree));
  for (const CostGoal goal : {CostGoal::kLatency, CostGoal::kBalanced, CostGoal::kCpuFree}) {
    CHECK_FALSE(gpu_wins({{1.0, 1.0}, {0.95, 0.95}}, goal));
    CHECK(parse_goal(goal_name(goal)) == goal);
  }
  CHECK_FALSE(parse_goal("fast").has_value());
}

TEST_CASE("a table is kept as text, for its machine alone") {
  CostTable table("here");
  constexpr double kThird = 1.0 / 3;
  table.set(kWork, {{0.5, 0.25}, {kThird, 0.125}});
  const std::string text = table.text();
  CostTable again("here");
  again.read(text);
  REQUIRE(again.find(kWork) != nullptr);
  CHECK(again.find(kWork)->cpu.wall == 0.5);
  CHECK(again.find(kWork)->cpu.cpu == 0.25);
  CHECK(again.find(kWork)->gpu.wall == kThird);
  CHECK(again.find(kWork)->gpu.cpu == 0.125);
  CHECK(again.text() == text);
  CostTable other("there");
  other.read(text);
  CHECK(other.find(kWork) == nullptr);
}

TEST_CASE("whatever else the text holds is passed over") {
  CostTable table("here");
  table.read(
      "here pack 1920 1088 8 1 1 1\n"
      "here pack 1920 1088 8 1 1 1 -1\n"
      "here pack 1920 1088 8 1 1 1 nan\n"
      "here pack 1920 1088 8 1 1 1e300 1\n"
      "here paint 1920 1088 8 1 1 1 1\n"
      "here pack 99999999999999 1088 8 1 1 1 1\n"
      "\n\xff\xfe here");
  CHECK(table.text().empty());
  for (uint32_t i = 0; i < 2 * CostTable::kMost; ++i) {
    table.set(Work::of(Stage::kPack, i * Work::kStep, 64, 8), {{1, 1}, {1, 1}});
  }
  CHECK(table.find(Work::of(Stage::kPack, 0, 64, 8)) != nullptr);
  CHECK(table.find(Work::of(Stage::kPack, 300 * Work::kStep, 64, 8)) == nullptr);
}

TEST_CASE("playing refines what was measured") {
  CostTable table("here");
  table.refine_gpu_wall(kWork, 5);
  CHECK(table.find(kWork) == nullptr);
  table.set(kWork, {{1, 1}, {2, 0}});
  table.refine_gpu_wall(kWork, 10);
  CHECK(table.find(kWork)->gpu.wall == 3);
  for (int i = 0; i < 200; ++i) table.refine_gpu_wall(kWork, 10);
  CHECK(table.find(kWork)->gpu.wall > 9.99);
  CHECK(table.find(kWork)->cpu.wall == 1);
}

TEST_CASE("the machine's word changes with its drivers") {
  const test::TemporaryFolder folder;
  const MachinePaths paths = {folder.path() + "/drm", folder.path() + "/icd.d"};
  const std::string bare = machine_key(paths);
  CHECK(bare.size() == 16);
  CHECK_FALSE(has_videocore(paths));
  std::filesystem::create_directories(paths.drm + "/renderD128/device");
  std::filesystem::create_directories(paths.vulkan_drivers);
  std::ofstream(paths.drm + "/renderD128/device/uevent") << "OF_NAME=v3d\nDRIVER=v3d\n";
  const std::string with_node = machine_key(paths);
  CHECK(with_node != bare);
  CHECK(has_videocore(paths));
  std::ofstream(paths.vulkan_drivers + "/broadcom.json") << "{}";
  const std::string with_driver = machine_key(paths);
  CHECK(with_driver != with_node);
  CHECK(machine_key(paths) == with_driver);
  std::ofstream(paths.vulkan_drivers + "/broadcom.json") << "{ }";
  CHECK(machine_key(paths) != with_driver);
}

}  // namespace
}  // namespace daedalus::gpu_kernels
