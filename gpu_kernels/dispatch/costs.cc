#include "gpu_kernels/dispatch/costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

namespace daedalus::gpu_kernels {
namespace {

constexpr std::array<std::string_view, 3> kGoals = {"latency", "balanced", "cpu-free"};
constexpr double kMargin = 0.9;
constexpr double kMostMilliseconds = 60'000;

std::optional<Stage> parse_stage(std::string_view name) {
  for (size_t i = 0; i < kStageCount; ++i) {
    if (stage_name(static_cast<Stage>(i)) == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

bool plausible(const Cost& cost) {
  const auto in_range = [](double value) { return value >= 0 && value <= kMostMilliseconds; };
  return in_range(cost.wall) && in_range(cost.cpu);
}

}  // namespace

Work Work::of(Stage stage, uint32_t width, uint32_t height, int bit_depth) {
  const auto rounded = [](uint32_t size) { return (size + kStep - 1) / kStep * kStep; };
  return {stage, rounded(width), rounded(height), bit_depth};
}

std::string to_string(const Work& work) {
  return std::string(stage_name(work.stage)) +
         (work.stage == Stage::kMc ? " and idct of " : " of ") + std::to_string(work.width) + "x" +
         std::to_string(work.height) + ", " + std::to_string(work.bit_depth) + " bit";
}

std::string_view goal_name(CostGoal goal) { return kGoals[static_cast<size_t>(goal)]; }

std::optional<CostGoal> parse_goal(std::string_view name) {
  const auto* const found = std::ranges::find(kGoals, name);
  if (found == kGoals.end()) return std::nullopt;
  return static_cast<CostGoal>(found - kGoals.begin());
}

bool gpu_wins(const Comparison& costs, CostGoal goal) {
  switch (goal) {
    case CostGoal::kLatency:
      return costs.gpu.wall < kMargin * costs.cpu.wall;
    case CostGoal::kBalanced:
      return costs.gpu.wall <= kLongestWall &&
             costs.gpu.wall + costs.gpu.cpu < kMargin * (costs.cpu.wall + costs.cpu.cpu);
    case CostGoal::kCpuFree:
      return costs.gpu.wall <= kLongestWall && costs.gpu.cpu < kMargin * costs.cpu.cpu;
  }
  return false;
}

std::string to_string(const Comparison& costs) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "CPU %.2f ms (%.2f ms of a core), GPU %.2f ms (%.2f ms of a core)", costs.cpu.wall,
                costs.cpu.cpu, costs.gpu.wall, costs.gpu.cpu);
  return text.data();
}

void CostTable::read(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    words.imbue(std::locale::classic());
    std::string machine, stage;
    Work work;
    Comparison costs;
    words >> machine >> stage >> work.width >> work.height >> work.bit_depth >> costs.cpu.wall >>
        costs.cpu.cpu >> costs.gpu.wall >> costs.gpu.cpu;
    const auto known = parse_stage(stage);
    if (!words || machine != machine_ || !known) continue;
    work.stage = *known;
    if (plausible(costs.cpu) && plausible(costs.gpu)) set(work, costs);
  }
}

std::string CostTable::text() const {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(std::numeric_limits<double>::max_digits10);  // read() finds the same
  for (const auto& [work, costs] : costs_) {
    text << machine_ << ' ' << stage_name(work.stage) << ' ' << work.width << ' ' << work.height
         << ' ' << work.bit_depth << ' ' << costs.cpu.wall << ' ' << costs.cpu.cpu << ' '
         << costs.gpu.wall << ' ' << costs.gpu.cpu << '\n';
  }
  return text.str();
}

const Comparison* CostTable::find(const Work& work) const {
  const auto found = costs_.find(work);
  return found == costs_.end() ? nullptr : &found->second;
}

void CostTable::set(const Work& work, const Comparison& costs) {
  if (costs_.size() < kMost || costs_.contains(work)) costs_[work] = costs;
}

void CostTable::refine_gpu_wall(const Work& work, double milliseconds) {
  const auto found = costs_.find(work);
  if (found == costs_.end()) return;
  double& wall = found->second.gpu.wall;
  wall += (std::min(milliseconds, kMostMilliseconds) - wall) / 8;
}

}  // namespace daedalus::gpu_kernels
