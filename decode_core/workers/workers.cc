#include "decode_core/workers/workers.h"

#include <algorithm>
#include <system_error>

namespace daedalus::core {

struct Workers::Run {
  const std::function<void(uint32_t)>& task;
  uint32_t count;
  uint32_t next = 0;
  uint32_t ended = 0;
  std::condition_variable all_ended{};
};

Workers::Workers(int threads)
    : threads_(threads > 0 ? threads
                           : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : pool_) thread.join();
}

void Workers::run(uint32_t count, const std::function<void(uint32_t)>& task) {
  if (count == 0) return;
  if (count == 1 || threads_ == 1) {
    for (uint32_t i = 0; i < count; ++i) task(i);
    return;
  }
  std::unique_lock lock(mutex_);
  // Where a thread cannot be made, the caller does the work.
  try {
    while (static_cast<int>(pool_.size()) < threads_ - 1) pool_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
  }
  Run run{task, count};
  runs_.push_back(&run);
  wake_.notify_all();
  while (take_one(lock, run)) {
  }
  run.all_ended.wait(lock, [&run] { return run.ended == run.count; });
}

// Runs one task of `run` with the lock released; false: none was left to take.
bool Workers::take_one(std::unique_lock<std::mutex>& lock, Run& run) {
  if (run.next == run.count) return false;
  const uint32_t index = run.next++;
  if (run.next == run.count) runs_.remove(&run);
  lock.unlock();
  run.task(index);
  lock.lock();
  if (++run.ended == run.count) run.all_ended.notify_one();
  return true;
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !runs_.empty(); });
    if (stopping_) return;
    take_one(lock, *runs_.front());
  }
}

}  // namespace daedalus::core
