#include "decode_core/software/h264/task_schedule.h"

#include <algorithm>

namespace daedalus::core::h264 {
namespace {

// Alone, a thread follows each row to its end, while it lies in the cache. With others, whoever
// comes first drives entropy decoding, which is the longest chain.
constexpr std::array<Task, kTasks> kAlone = {Task::kDeblocking, Task::kReconstruction,
                                             Task::kPrediction, Task::kEntropy};
constexpr std::array<Task, kTasks> kTogether = {Task::kEntropy, Task::kDeblocking,
                                                Task::kReconstruction, Task::kPrediction};

// Deblocking of the next row changes so many luma lines of this one (8.7.1), and one of chroma.
constexpr uint32_t kLinesOfNextRow = 3;

}  // namespace

// With several threads, one picture more than they are: entropy decoding runs ahead. Alone, a
// thread is done soonest with one picture if it has only that.
size_t TaskSchedule::most_pictures(uint32_t threads) {
  return threads == 1 ? 1 : std::min<size_t>(threads + 1, kMostPictures);
}

TaskSchedule::TaskSchedule() { pictures_.reserve(kMostPictures); }

// Luma lines from the top that nobody writes any more.
uint32_t TaskSchedule::Picture::final_lines() const {
  const uint32_t rows = done(Task::kDeblocking);
  if (shape_.lines_a_row == 0 || rows == 0) return 0;
  return rows == shape_.rows ? kAllLines : rows * shape_.lines_a_row - kLinesOfNextRow;
}

bool TaskSchedule::Picture::is_ready(Task task) const {
  if (running(task) || failed_) return false;
  switch (task) {
    case Task::kEntropy:
      return done(Task::kEntropy) < shape_.rows &&
             (!shape_.reads_motion ||
              std::all_of(references_.begin(), references_.end(), [](const Picture* reference) {
                return reference->done(Task::kEntropy) == reference->shape_.rows;
              }));
    case Task::kPrediction:
      return done(Task::kPrediction) < done(Task::kEntropy) &&
             (!shape_.predicts_at_once || done(Task::kEntropy) == shape_.rows) &&
             done(Task::kPrediction) == done(Task::kReconstruction);
    case Task::kReconstruction:
      return done(Task::kReconstruction) < done(Task::kPrediction) &&
             std::all_of(references_.begin(), references_.end(), [this](const Picture* reference) {
               return reference->final_lines() >= lines_needed_;
             });
    case Task::kDeblocking:
      return done(Task::kDeblocking) < done(Task::kReconstruction);
  }
  return false;
}

bool TaskSchedule::Picture::is_worth_waking_for(Task task) const {
  if (!is_ready(task)) return false;
  if (task == Task::kEntropy) return true;
  const Task before = task == Task::kDeblocking ? Task::kReconstruction : Task::kEntropy;
  return done(before) == shape_.rows || done(before) - done(task) >= shape_.batch;
}

std::optional<TaskSchedule::Choice> TaskSchedule::take(bool alone) {
  for (Picture* picture : pictures_) {
    for (const Task task : alone ? kAlone : kTogether) {
      if (!picture->is_ready(task)) continue;
      picture->running_[static_cast<size_t>(task)] = true;
      return Choice{picture, task, picture->done(task)};
    }
  }
  return std::nullopt;
}

bool TaskSchedule::is_worth_waking() const {
  return std::any_of(pictures_.begin(), pictures_.end(), [](const Picture* picture) {
    return std::any_of(kTogether.begin(), kTogether.end(),
                       [picture](Task task) { return picture->is_worth_waking_for(task); });
  });
}

void TaskSchedule::finish(const Choice& choice, bool succeeded, uint32_t lines_needed) {
  Picture& picture = *choice.picture;
  picture.running_[static_cast<size_t>(choice.task)] = false;
  ++picture.done_[static_cast<size_t>(choice.task)];
  picture.failed_ |= !succeeded;
  if (choice.task == Task::kPrediction) picture.lines_needed_ = lines_needed;
}

bool TaskSchedule::has_ended(const Picture& picture) {
  const auto& running = picture.running_;
  return std::find(running.begin(), running.end(), true) == running.end() &&
         (picture.failed_ || picture.done(Task::kDeblocking) == picture.shape_.rows);
}

void TaskSchedule::remove(const Picture& picture) {
  std::erase(pictures_, &picture);
  for (Picture* other : pictures_) std::erase(other->references_, &picture);
}

bool TaskSchedule::refers_to(const Picture& picture, const Picture& older) {
  return std::find(picture.references_.begin(), picture.references_.end(), &older) !=
         picture.references_.end();
}

}  // namespace daedalus::core::h264
