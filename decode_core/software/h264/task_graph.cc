#include "decode_core/software/h264/task_graph.h"

#include <algorithm>
#include <new>
#include <utility>

namespace daedalus::core::h264 {
namespace {

// Alone, a thread follows each row to its end, while it lies in the cache. With others, whoever
// comes first drives entropy decoding, which is the longest chain; the next picture is for those
// who would have to wait.
constexpr std::array<Task, 3> kAlone = {Task::kDeblocking, Task::kReconstruction, Task::kEntropy};
constexpr std::array<Task, kTasks> kTogether = {Task::kEntropy, Task::kDeblocking,
                                                Task::kReconstruction, Task::kNextPicture};

}  // namespace

TaskGraph::TaskGraph(const Picture& picture, Execute execute)
    : rows_(picture.rows),
      batch_(picture.batch),
      execute_(std::move(execute)),
      next_picture_(picture.next_picture) {
  done(Task::kEntropy) = picture.parsed_rows;
}

bool TaskGraph::run(Workers& workers, uint32_t threads) {
  const auto used = std::clamp(threads, 1u, static_cast<uint32_t>(kTasks));
  if (used == 1) {
    work(/*alone=*/true);
  } else {
    workers.run(used, [this](uint32_t) { work(/*alone=*/false); });
  }
  return !failed_;
}

bool TaskGraph::is_ready(Task task) const {
  if (running(task)) return false;
  switch (task) {
    case Task::kEntropy:
      return done(Task::kEntropy) < rows_;
    case Task::kReconstruction:
      return done(Task::kReconstruction) < done(Task::kEntropy);
    case Task::kDeblocking:
      return done(Task::kDeblocking) < done(Task::kReconstruction);
    case Task::kNextPicture:
      return next_picture_ && done(Task::kEntropy) == rows_ && done(Task::kDeblocking) < rows_;
  }
  return false;
}

std::optional<Task> TaskGraph::next_task(bool alone) const {
  const auto ready = [this](Task task) { return is_ready(task); };
  if (alone) {
    const auto found = std::find_if(kAlone.begin(), kAlone.end(), ready);
    return found == kAlone.end() ? std::nullopt : std::optional(*found);
  }
  const auto found = std::find_if(kTogether.begin(), kTogether.end(), ready);
  return found == kTogether.end() ? std::nullopt : std::optional(*found);
}

bool TaskGraph::has_ended() const { return failed_ || done(Task::kDeblocking) == rows_; }

// To wake a thread takes longer than most tasks do.
bool TaskGraph::is_worth_waking() const {
  if (!next_task(/*alone=*/false).has_value()) return false;
  const uint32_t backlog = std::max(done(Task::kEntropy) - done(Task::kReconstruction),
                                    done(Task::kReconstruction) - done(Task::kDeblocking));
  return backlog >= batch_ || done(Task::kEntropy) == rows_;
}

// A thread waits only while another one runs a task, and that one takes what is ready when it is
// done with it, so some thread always goes on.
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
    const uint32_t row = done(*task);
    running(*task) = true;
    lock.unlock();
    bool succeeded = true;
    bool more = false;
    try {
      more = execute_(*task, row);
    } catch (const std::bad_alloc&) {
      succeeded = false;
    }
    lock.lock();
    finish(*task, succeeded, more);
  }
}

void TaskGraph::finish(Task task, bool succeeded, bool more) {
  running(task) = false;
  ++done(task);
  failed_ |= !succeeded;
  if (task == Task::kNextPicture) next_picture_ = more;
  if (waiting_ == 0) return;
  if (has_ended()) {
    changed_.notify_all();
  } else if (is_worth_waking()) {
    changed_.notify_one();
  }
}

}  // namespace daedalus::core::h264
