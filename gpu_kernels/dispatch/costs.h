// What the pixel work of one picture costs on this machine's CPU and on its GPU, as it was
// measured, and which of the two is to do it.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_COSTS_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_COSTS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {

// A kind of work: one stage on one picture of about this size. "mc" is with "idct", "film_grain"
// with "pack", which a GPU does at once.
struct Work {
  Stage stage = Stage::kPack;
  // Luma samples, rounded up to multiples of kStep: sizes that differ less cost about the same.
  uint32_t width = 0;
  uint32_t height = 0;
  int bit_depth = 8;

  static constexpr uint32_t kStep = 64;
  static Work of(Stage stage, uint32_t width, uint32_t height, int bit_depth);
  auto operator<=>(const Work&) const = default;
};
// "pack of 1920x1088, 8 bit", "mc and idct of ..."
std::string to_string(const Work& work);

// Of one picture, in milliseconds.
struct Cost {
  double wall = 0;  // from begin to end
  double cpu = 0;   // of all cores together
};

struct Comparison {
  Cost cpu;
  Cost gpu;
};

// What is dear (DAEDALUS_GPU_GOAL).
enum class CostGoal : uint8_t {
  kLatency,   // the time that a picture takes
  kBalanced,  // that, and the processor time that it takes
  kCpuFree,   // processor time alone, as long as the picture is done in kLongestWall
};
std::string_view goal_name(CostGoal goal);  // "latency", "balanced", "cpu-free"
std::optional<CostGoal> parse_goal(std::string_view name);

// Half of what a picture has at 60 a second: with the other stages it would come late.
inline constexpr double kLongestWall = 8.0;

// Whether the GPU is to do it. It must win by a tenth, so that noise decides nothing.
bool gpu_wins(const Comparison& costs, CostGoal goal);
// "CPU 0.41 ms (0.41 ms of a core), GPU 3.20 ms (5.10 ms of a core)"
std::string to_string(const Comparison& costs);

// The measurements of one machine. Not thread-safe.
class CostTable {
 public:
  // `machine`: whatever names the devices and their drivers, without white space.
  explicit CostTable(std::string machine) : machine_(std::move(machine)) {}

  // What text() wrote of the same machine. Whatever else the text holds is passed over.
  void read(std::string_view text);
  std::string text() const;

  // Null: not measured.
  const Comparison* find(const Work& work) const;
  // Of kMost kinds at most; more are not kept.
  void set(const Work& work, const Comparison& costs);
  // The GPU took so long of a picture of a known kind while playing: an eighth of the difference.
  void refine_gpu_wall(const Work& work, double milliseconds);

  static constexpr size_t kMost = 256;

 private:
  const std::string machine_;
  std::map<Work, Comparison> costs_;
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_COSTS_H_
