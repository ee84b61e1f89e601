#include "decode_core/workers/workers.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace daedalus::core {

struct Workers::Run {
  Run(const std::function<void(uint32_t)>& task_in, uint32_t count_in)
      : task(task_in), count(count_in) {}

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
  start_threads();
  Run run(task, count);
  runs_.push_back(&run);
  wake_.notify_all();
  while (take_one(lock, run)) {
  }
  run.all_ended.wait(lock, [&run] { return run.ended == run.count; });
}

// Where a thread cannot be made, the caller does the work.
void Workers::start_threads() {
  try {
    while (static_cast<int>(pool_.size()) < threads_ - 1) pool_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
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

Workers::Helpers::Helpers(Workers& workers, std::function<void()> help)
    : workers_(workers),
      task_([help = std::move(help)](uint32_t) { help(); }),
      run_(std::make_unique<Run>(task_, 0)) {}

Workers::Helpers::~Helpers() {
  std::unique_lock lock(workers_.mutex_);
  if (run_->next != run_->count) workers_.runs_.remove(run_.get());
  run_->count = run_->next;
  run_->all_ended.wait(lock, [this] { return run_->ended == run_->count; });
}

bool Workers::Helpers::call() {
  std::lock_guard lock(workers_.mutex_);
  workers_.start_threads();
  if (workers_.pool_.empty()) return false;
  try {
    if (run_->next == run_->count) workers_.runs_.push_back(run_.get());
  } catch (const std::bad_alloc&) {
    return false;
  }
  ++run_->count;
  workers_.wake_.notify_one();
  return true;
}

}  // namespace daedalus::core
