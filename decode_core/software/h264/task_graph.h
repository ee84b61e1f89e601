// TaskGraph: the passes over the pictures under way, row by row, on several threads.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "decode_core/backend.h"
#include "decode_core/software/h264/task_schedule.h"
#include "decode_core/workers/workers.h"

namespace daedalus::core::h264 {

// A picture as the graph sees it. What it does is called with no lock held, each kind of task on
// one thread at a time and each row after the one above.
class PictureTasks {
 public:
  virtual ~PictureTasks() = default;

  // Whether it needs samples or motion of a picture that was added before, or writes what that one
  // reads.
  virtual bool refers_to(const PictureTasks& older) const = 0;
  // May throw std::bad_alloc: then no task is begun any more, and it ends without success.
  virtual void execute(Task task, uint32_t row) = 0;
  // Luma lines, from the top, of each reference that the row reads for which kPrediction was
  // executed last; TaskSchedule::kAllLines: all of it.
  virtual uint32_t lines_needed() const = 0;
  // A picture it refers to ended without success.
  virtual void lose_reference() = 0;

  struct Ended {
    DecodeOutcome outcome;
    Decoder::Done done;
  };
  // After the last task. What it returns is told after the picture has left the graph, when the
  // object may be used again already. Must not throw.
  virtual Ended end(bool succeeded) = 0;
};

// Used by one thread, its owner's, but for expect().
class TaskGraph {
 public:
  // At most `threads` threads work at a time, the owner's among them.
  TaskGraph(Workers& workers, uint32_t threads);
  // All pictures have ended.
  ~TaskGraph() = default;

  // Where the next picture may be added, a number less than TaskSchedule::kMostPictures; works
  // until there is one.
  size_t await_place();
  // `useful_threads`: so many are worth waking for it. May throw std::bad_alloc, then nothing is
  // added.
  void add(size_t place, PictureTasks& tasks, const TaskSchedule::Shape& shape,
           uint32_t useful_threads);
  // Works until all pictures have ended or, if another one is expected, until there is a place.
  void work();
  // Works until all pictures have ended.
  void finish();
  // Whether the owner is wanted elsewhere, to add a picture. Thread-safe.
  void expect(bool more);

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Place {
    PictureTasks* tasks = nullptr;  // null: nobody's
    TaskSchedule::Picture picture;
    uint32_t useful_threads = 0;
  };
  void help();
  template <typename Condition>
  void work_until(Lock& lock, Condition condition);
  bool do_task(Lock& lock);
  bool wake_owner();
  void wake_one();
  void leave(Place& place, Lock& lock);
  Place& place_of(const TaskSchedule::Picture& picture);
  bool is_alone() const { return threads_ == 1; }
  bool has_room() const { return schedule_.pictures().size() < most_pictures_; }

  const uint32_t threads_;
  const size_t most_pictures_;
  std::mutex mutex_;
  std::condition_variable changed_;  // for the owner
  bool owner_waits_ = false;
  bool more_expected_ = false;
  uint32_t helpers_called_ = 0;  // and not gone again
  std::array<Place, TaskSchedule::kMostPictures> places_;
  TaskSchedule schedule_;
  Workers::Helpers helpers_;  // the last: gone before what they use
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_GRAPH_H_
