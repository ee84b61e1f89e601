// TaskGraph: the passes over one picture, row by row, on several threads.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "decode_core/workers/workers.h"

namespace daedalus::core::h264 {

// What is to be done with each row of macroblocks (of pairs in an MBAFF frame). The order is the
// pipeline: a task needs the one before it of the same row, and its own of the row above.
enum class Task : uint8_t {
  kEntropy,         // slice data to the macroblock list
  kReconstruction,  // the list to samples; keeps the row's last lines for the next row's
  kDeblocking,      // filters this row, and the last lines of the row above
};
inline constexpr size_t kTasks = 3;

class TaskGraph {
 public:
  using Execute = std::function<void(Task, uint32_t row)>;

  // `execute` does one task; each kind on one thread at a time.
  TaskGraph(uint32_t rows, Execute execute);

  // Does all tasks on this thread and, where they are free, up to `threads` - 1 workers. False: a
  // task ran out of memory; those that depend on it were left out.
  bool run(Workers& workers, uint32_t threads);

 private:
  void work(bool alone);
  std::optional<Task> next_task(bool alone) const;
  bool is_ready(Task task) const;
  bool has_ended() const;
  void finish(Task task, bool succeeded);

  const uint32_t rows_;
  const Execute execute_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<uint32_t, kTasks> done_{};  // rows
  std::array<bool, kTasks> running_{};
  uint32_t waiting_ = 0;  // threads
  bool failed_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_
