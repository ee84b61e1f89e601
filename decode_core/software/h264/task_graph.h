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

// What is to be done with each row of macroblocks (of pairs in an MBAFF frame). The first three are
// the pipeline: each needs the one before it of the same row, and its own of the row above.
enum class Task : uint8_t {
  kEntropy,         // slice data to the macroblock list
  kReconstruction,  // the list to samples; keeps the row's last lines for the next row's
  kDeblocking,      // filters this row, and the last lines of the row above
  kNextPicture,     // entropy decoding of the picture after this one, which needs no samples of it:
                    // one more row each time, once this one's is over
};
inline constexpr size_t kTasks = 4;

class TaskGraph {
 public:
  // Does one task; each kind on one thread at a time. Of kNextPicture, whose rows count the calls:
  // whether there is more to be done.
  using Execute = std::function<bool(Task, uint32_t row)>;

  struct Picture {
    uint32_t rows = 0;
    uint32_t parsed_rows = 0;   // have passed entropy decoding already
    bool next_picture = false;  // there is one
    // So many rows are worth waking a thread for while entropy decoding goes on.
    uint32_t batch = 1;
  };
  TaskGraph(const Picture& picture, Execute execute);

  // Does all tasks on this thread and, where they are free, up to `threads` - 1 workers; of the
  // next picture as much as there is time for. False: a task ran out of memory; those that depend
  // on it were left out.
  bool run(Workers& workers, uint32_t threads);

 private:
  void work(bool alone);
  std::optional<Task> next_task(bool alone) const;
  bool is_ready(Task task) const;
  bool has_ended() const;
  bool is_worth_waking() const;
  void finish(Task task, bool succeeded, bool more);

  bool& running(Task task) { return running_[static_cast<size_t>(task)]; }
  bool running(Task task) const { return running_[static_cast<size_t>(task)]; }
  uint32_t& done(Task task) { return done_[static_cast<size_t>(task)]; }
  uint32_t done(Task task) const { return done_[static_cast<size_t>(task)]; }

  const uint32_t rows_;
  const uint32_t batch_;
  const Execute execute_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<uint32_t, kTasks> done_{};  // rows
  std::array<bool, kTasks> running_{};
  bool next_picture_;     // there is more to be done for it
  uint32_t waiting_ = 0;  // threads
  bool failed_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_
