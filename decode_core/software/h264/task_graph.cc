#include "decode_core/software/h264/task_graph.h"

#include <algorithm>
#include <new>
#include <utility>

namespace daedalus::core::h264 {

TaskGraph::TaskGraph(Workers& workers, uint32_t threads)
    : threads_(threads),
      most_pictures_(TaskSchedule::most_pictures(threads)),
      helpers_(workers, [this] { help(); }) {}

size_t TaskGraph::await_place() {
  Lock lock(mutex_);
  work_until(lock, [this] { return has_room(); });
  const auto free = std::find_if(places_.begin(), places_.end(),
                                 [](const Place& place) { return place.tasks == nullptr; });
  return static_cast<size_t>(free - places_.begin());
}

void TaskGraph::add(size_t place, PictureTasks& tasks, const TaskSchedule::Shape& shape,
                    uint32_t useful_threads) {
  Lock lock(mutex_);
  Place& added = places_[place];
  schedule_.add(added.picture, shape, [&](const TaskSchedule::Picture& older) {
    return tasks.refers_to(*place_of(older).tasks);
  });
  added.tasks = &tasks;
  added.useful_threads = useful_threads;
}

void TaskGraph::work() {
  Lock lock(mutex_);
  work_until(lock,
             [this] { return schedule_.pictures().empty() || (more_expected_ && has_room()); });
}

void TaskGraph::finish() {
  Lock lock(mutex_);
  work_until(lock, [this] { return schedule_.pictures().empty(); });
}

void TaskGraph::expect(bool more) {
  Lock lock(mutex_);
  more_expected_ = more;
  if (more) wake_owner();
}

// A thread waits or goes only while another one runs a task, and that one takes what is ready when
// it is done with it, so some thread always goes on.
template <typename Condition>
void TaskGraph::work_until(Lock& lock, Condition condition) {
  while (!condition()) {
    if (do_task(lock)) continue;
    owner_waits_ = true;
    changed_.wait(lock);
    owner_waits_ = false;
  }
}

void TaskGraph::help() {
  Lock lock(mutex_);
  while (do_task(lock)) {
  }
  --helpers_called_;
}

// False: nothing is ready.
bool TaskGraph::do_task(Lock& lock) {
  const auto choice = schedule_.take(is_alone());
  if (!choice.has_value()) return false;
  if (schedule_.is_worth_waking()) wake_one();
  Place& place = place_of(*choice->picture);
  lock.unlock();
  bool succeeded = true;
  uint32_t lines = 0;
  try {
    place.tasks->execute(choice->task, choice->row);
    if (choice->task == Task::kPrediction) lines = place.tasks->lines_needed();
  } catch (const std::bad_alloc&) {
    succeeded = false;
  }
  lock.lock();
  schedule_.finish(*choice, succeeded, lines);
  if (TaskSchedule::has_ended(place.picture)) leave(place, lock);
  return true;
}

// False: it does not wait.
bool TaskGraph::wake_owner() {
  if (!owner_waits_) return false;
  owner_waits_ = false;
  changed_.notify_one();
  return true;
}

void TaskGraph::wake_one() {
  if (wake_owner()) return;
  uint32_t useful = 0;
  for (const Place& place : places_) useful += place.tasks != nullptr ? place.useful_threads : 0;
  if (helpers_called_ + 1 >= std::min(threads_, useful)) return;
  if (helpers_.call()) ++helpers_called_;
}

void TaskGraph::leave(Place& place, Lock& lock) {
  const bool failed = place.picture.has_failed();
  if (failed) {
    for (Place& other : places_) {
      if (other.tasks != nullptr && TaskSchedule::refers_to(other.picture, place.picture)) {
        other.tasks->lose_reference();
      }
    }
  }
  lock.unlock();
  PictureTasks::Ended ended = place.tasks->end(!failed);
  lock.lock();
  schedule_.remove(place.picture);
  place.tasks = nullptr;
  if (!wake_owner() && schedule_.is_worth_waking()) wake_one();
  lock.unlock();
  ended.done(std::move(ended.outcome));
  lock.lock();
}

TaskGraph::Place& TaskGraph::place_of(const TaskSchedule::Picture& picture) {
  return *std::find_if(places_.begin(), places_.end(),
                       [&](const Place& place) { return &place.picture == &picture; });
}

}  // namespace daedalus::core::h264
