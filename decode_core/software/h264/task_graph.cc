#include "decode_core/software/h264/task_graph.h"

#include <algorithm>
#include <new>
#include <utility>

namespace daedalus::core::h264 {
namespace {

// Alone, a thread follows each row to its end, while it lies in the cache. With others, whoever
// comes first drives entropy decoding, which is the longest chain.
constexpr std::array<Task, kTasks> kAlone = {Task::kDeblocking, Task::kReconstruction,
                                             Task::kEntropy};
constexpr std::array<Task, kTasks> kTogether = {Task::kEntropy, Task::kDeblocking,
                                                Task::kReconstruction};

}  // namespace

TaskGraph::TaskGraph(uint32_t rows, Execute execute) : rows_(rows), execute_(std::move(execute)) {}

bool TaskGraph::run(Workers& workers, uint32_t threads) {
  const uint32_t used = std::clamp<uint32_t>(threads, 1, kTasks);
  if (used == 1) {
    work(/*alone=*/true);
  } else {
    workers.run(used, [this](uint32_t) { work(/*alone=*/false); });
  }
  return !failed_;
}

bool TaskGraph::is_ready(Task task) const {
  const auto index = static_cast<size_t>(task);
  const uint32_t available = index == 0 ? rows_ : done_[index - 1];
  return !running_[index] && done_[index] < available;
}

std::optional<Task> TaskGraph::next_task(bool alone) const {
  for (const Task task : alone ? kAlone : kTogether) {
    if (is_ready(task)) return task;
  }
  return std::nullopt;
}

bool TaskGraph::has_ended() const { return failed_ || done_[kTasks - 1] == rows_; }

// A thread waits only while another one runs a task, so some thread always goes on.
void TaskGraph::work(bool alone) {
  std::unique_lock lock(mutex_);
  while (!has_ended()) {
    const std::optional<Task> task = next_task(alone);
    if (!task.has_value()) {
      ++waiting_;
      changed_.wait(lock);
      --waiting_;
      continue;
    }
    const auto index = static_cast<size_t>(*task);
    const uint32_t row = done_[index];
    running_[index] = true;
    lock.unlock();
    bool succeeded = true;
    try {
      execute_(*task, row);
    } catch (const std::bad_alloc&) {
      succeeded = false;
    }
    lock.lock();
    finish(*task, succeeded);
  }
}

void TaskGraph::finish(Task task, bool succeeded) {
  const auto index = static_cast<size_t>(task);
  running_[index] = false;
  ++done_[index];
  failed_ |= !succeeded;
  if (waiting_ == 0) return;
  if (has_ended()) {
    changed_.notify_all();
  } else if (next_task(/*alone=*/false).has_value()) {
    changed_.notify_one();
  }
}

}  // namespace daedalus::core::h264
