// Dispatcher: who does a stage where nobody says so (substrate `auto`), by what was measured on
// this machine.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_DISPATCHER_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_DISPATCHER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/dispatch/machine.h"
#include "gpu_kernels/dispatch/picture_memory.h"
#include "gpu_kernels/vulkan/deadline.h"

namespace daedalus::gpu_kernels {

class VulkanStages;

// Whether work that was never measured is, when it first comes up.
enum class Measuring : uint8_t {
  kNever,
  kOnVideoCore,  // where there is one (has_videocore): no other GPU is opened unasked
  kAlways,
};

// Thread-safe. Nothing is read, opened or measured before the first prefers_gpu().
class Dispatcher {
 public:
  struct Options {
    CostGoal goal = CostGoal::kBalanced;
    // Where measurements are kept, for all processes of the user; empty: nowhere.
    std::string folder;
    // On a thread of the dispatcher's own.
    Measuring measuring = Measuring::kNever;
    MachinePaths machine;
    // Called when work is measured, on that thread; null: all is the heap's.
    PictureMemory picture_memory = {};
  };
  // `gpu` outlives it.
  Dispatcher(VulkanStages& gpu, Options options);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Whether the GPU is to do such work. Never waits for a measurement: until there is one the CPU
  // does it. The log says once for each kind of work what was decided, and why.
  bool prefers_gpu(const Work& work);
  // Whether it has said so of any work of the stage.
  bool has_preferred_gpu(Stage stage) const {
    return has_preferred_gpu_[static_cast<size_t>(stage)];
  }
  // Has the GPU do such work, by the deadline that `use` is called with; returns its Status or
  // Result, and notes how long it took, unless the GPU refused it.
  template <typename Use>
  auto have_done(const Work& work, const Use& use) {
    const auto begin = std::chrono::steady_clock::now();
    auto done = use(deadline(work));
    if (done.ok() || done.error().code == ErrorCode::kTimeout) {
      note_gpu(work, std::chrono::steady_clock::now() - begin);
    }
    return done;
  }
  // When such work that begins now must have ended: after kOverrun times what was measured, and
  // kLongestWall at least.
  vulkan::Deadline deadline(const Work& work);
  // The GPU did it, or was too late, and took so long; the first time in a process, when drivers
  // compile and allocate, does not count. Work of which it takes kOverrun times what was measured,
  // and longer than kLongestWall, is the CPU's from then on, in this process.
  void note_gpu(const Work& work, std::chrono::nanoseconds wall);
  static constexpr double kOverrun = 4;

  // Measures on this thread, and keeps the result. The error: there is no GPU, or it failed.
  Result<Comparison> measure(const Work& work);
  // What was measured, in this process or before.
  std::optional<Comparison> measured(const Work& work);
  CostGoal goal() const { return options_.goal; }

  // Where the GPU's work runs.
  VulkanStages& stages() { return gpu_; }

 private:
  void load();
  void keep(const Work& work, const Comparison& costs);
  void store() const;
  bool may_measure();
  void want(const Work& work);
  void run();

  VulkanStages& gpu_;
  const Options options_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::optional<CostTable> table_;  // once it was loaded
  std::set<Work> told_;             // the log has the decision
  std::set<Work> warm_;             // the GPU did it before
  std::set<Work> refused_;          // the GPU failed to be measured, or overran
  std::set<Work> asked_;            // to be measured, or was
  std::deque<Work> to_measure_;
  std::optional<bool> has_videocore_;
  bool stopping_ = false;
  std::array<std::atomic<bool>, kStageCount> has_preferred_gpu_{};
  std::thread thread_;  // while there is something to measure
};

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_DISPATCHER_H_
