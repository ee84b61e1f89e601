#include "gpu_kernels/dispatch/dispatcher.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/cache_file.h"
#include "base/log.h"
#include "gpu_kernels/dispatch/measurement.h"
#include "gpu_kernels/vulkan_stages.h"

namespace daedalus::gpu_kernels {
namespace {

constexpr const char* kFile = "gpu-costs";
constexpr size_t kMostText = size_t{64} << 10;
// Kinds of work that one process measures by itself.
constexpr size_t kMostMeasured = 8;
// Larger pictures are not measured unasked: they need too much memory.
constexpr uint64_t kMostSamples = uint64_t{4096} * 2304;

}  // namespace

Dispatcher::Dispatcher(VulkanStages& gpu, Options options)
    : gpu_(gpu), options_(std::move(options)) {}

Dispatcher::~Dispatcher() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Dispatcher::prefers_gpu(const Work& work) {
  std::lock_guard lock(mutex_);
  load();
  if (refused_.contains(work)) return false;
  const Comparison* costs = table_->find(work);
  if (costs == nullptr) {
    want(work);
    return false;
  }
  const bool gpu = gpu_wins(*costs, options_.goal);
  if (gpu) has_preferred_gpu_[static_cast<size_t>(work.stage)] = true;
  if (told_.insert(work).second) {
    log(LogLevel::kInfo, "%s: %s: the %s does it (%s)", to_string(work).c_str(),
        to_string(*costs).c_str(), gpu ? "GPU" : "CPU", goal_name(options_.goal).data());
  }
  return gpu;
}

vulkan::Deadline Dispatcher::deadline(const Work& work) {
  std::lock_guard lock(mutex_);
  load();
  const Comparison* costs = table_->find(work);
  if (costs == nullptr) return vulkan::kNoDeadline;
  const std::chrono::duration<double, std::milli> longest(
      std::max(kLongestWall, kOverrun * costs->gpu.wall));
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<vulkan::Deadline::duration>(longest);
}

void Dispatcher::note_gpu(const Work& work, std::chrono::nanoseconds wall) {
  const double milliseconds = static_cast<double>(wall.count()) / 1e6;
  std::lock_guard lock(mutex_);
  load();
  const Comparison* costs = table_->find(work);
  if (costs == nullptr || warm_.insert(work).second) return;
  if (milliseconds > kLongestWall && milliseconds > kOverrun * costs->gpu.wall) {
    if (refused_.insert(work).second) {
      log(LogLevel::kWarning,
          "%s: the GPU took %.1f ms instead of %.1f: the CPU does it from now on",
          to_string(work).c_str(), milliseconds, costs->gpu.wall);
    }
    return;
  }
  table_->refine_gpu_wall(work, milliseconds);
  if (!gpu_wins(*costs, options_.goal)) told_.erase(work);  // the next decision is another one
}

Result<Comparison> Dispatcher::measure(const Work& work) try {
  const auto picture = MeasuredPicture::create(work, gpu_, options_.picture_memory);
  if (!picture) return picture.error();
  const auto costs = gpu_kernels::measure(**picture, gpu_.device()->software);
  if (costs) keep(work, *costs);
  return costs;
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::kOutOfMemory, "no memory to measure with"};
}

std::optional<Comparison> Dispatcher::measured(const Work& work) {
  std::lock_guard lock(mutex_);
  load();
  const Comparison* costs = table_->find(work);
  return costs != nullptr ? std::optional(*costs) : std::nullopt;
}

// With the lock.
void Dispatcher::load() {
  if (table_) return;
  const bool software = gpu_.choice() == vulkan::DeviceChoice::kSoftware;
  table_.emplace(machine_key(options_.machine) + (software ? "-software" : ""));
  if (options_.folder.empty()) return;
  table_->read(read_cache_file(options_.folder + "/" + kFile, kMostText));
}

void Dispatcher::keep(const Work& work, const Comparison& costs) {
  std::lock_guard lock(mutex_);
  load();
  table_->set(work, costs);
  refused_.erase(work);
  store();
}

// With the lock. Whoever stores last wins: a lost measurement is only made again.
void Dispatcher::store() const {
  if (!options_.folder.empty()) write_cache_file(options_.folder + "/" + kFile, table_->text());
}

// With the lock.
bool Dispatcher::may_measure() {
  if (options_.measuring != Measuring::kOnVideoCore) {
    return options_.measuring == Measuring::kAlways;
  }
  if (!has_videocore_) has_videocore_ = has_videocore(options_.machine);
  return *has_videocore_;
}

// With the lock.
void Dispatcher::want(const Work& work) {
  if (!may_measure() || asked_.size() >= kMostMeasured || asked_.contains(work) ||
      uint64_t{work.width} * work.height > kMostSamples) {
    return;
  }
  asked_.insert(work);
  to_measure_.push_back(work);
  changed_.notify_all();
  if (thread_.joinable()) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    to_measure_.clear();  // no thread to be had: the CPU does the work
  }
}

void Dispatcher::run() {
  // Decoding comes first. Threads that the GPU's driver starts here inherit it.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !to_measure_.empty(); });
    if (stopping_) return;
    const Work work = to_measure_.front();
    to_measure_.pop_front();
    lock.unlock();
    const auto costs = measure(work);
    lock.lock();
    if (costs) continue;
    if (costs.error().code == ErrorCode::kBusy) {
      asked_.erase(work);  // the GPU was late with other work: when this comes up again
      continue;
    }
    refused_.insert(work);
    log(LogLevel::kInfo, "%s: not measured: %s", to_string(work).c_str(),
        costs.error().message.c_str());
  }
}

}  // namespace daedalus::gpu_kernels
