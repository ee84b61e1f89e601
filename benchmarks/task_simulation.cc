#include "benchmarks/task_simulation.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>

namespace daedalus::benchmarks {
namespace {

using core::h264::Task;
using core::h264::TaskSchedule;

// The threads of TaskGraph and QueuedSession: thread 0 is the session's, the others help it.
class Simulation {
 public:
  Simulation(std::span<const PictureCosts> pictures, const Machine& machine, uint32_t in_flight)
      : pictures_(pictures),
        machine_(machine),
        in_flight_(in_flight),
        states_(pictures.size()),
        ended_(pictures.size()) {}

  Instructions run() {
    submit(0);
    while (!events_.empty()) {
      Event event = events_.top();
      events_.pop();
      event.happen(event.time);
    }
    return now_told_;
  }

 private:
  struct Event {
    Instructions time;
    uint64_t number;
    std::function<void(Instructions now)> happen;

    bool operator>(const Event& other) const {
      return std::tie(time, number) > std::tie(other.time, other.number);
    }
  };
  // What the session's thread is about.
  enum class Phase : uint8_t {
    kNextJob,  // between jobs: takes one, or sleeps
    kPlace,    // TaskGraph::await_place
    kWork,     // TaskGraph::work
  };

  void at(Instructions time, std::function<void(Instructions)> happen) {
    events_.push({time, ++events_added_, std::move(happen)});
  }

  // The client.

  void submit(Instructions now) {
    submitted_ = std::min(pictures_.size(), told_ + in_flight_);
    if (std::exchange(owner_sleeps_, false)) {
      at(now + (now == 0 ? 0 : machine_.wake), [this](Instructions then) { step(0, then); });
    } else {
      wake_owner(now);
    }
  }

  void tell_end(size_t index, Instructions now) {
    ended_[index] = true;
    const size_t told_before = told_;
    while (told_ < ended_.size() && ended_[told_]) ++told_;
    if (told_ == told_before) return;
    now_told_ = now;
    if (submitted_ < pictures_.size()) {
      at(now + machine_.wake, [this](Instructions then) { submit(then); });
    }
  }

  // The threads.

  void step(uint32_t thread, Instructions now) {
    if (thread == 0 && !owner_works(now)) return;
    const auto choice = schedule_.take(/*alone=*/machine_.cores == 1);
    if (!choice.has_value()) {
      if (thread == 0) {
        owner_waits_ = true;
      } else {
        --helpers_called_;
      }
      return;
    }
    if (schedule_.is_worth_waking()) wake_one(now);
    const PictureCosts::Row& row = pictures_[index_of(*choice->picture)].rows[choice->row];
    at(now + row.tasks[static_cast<size_t>(choice->task)],
       [this, thread, choice = *choice, lines = row.lines_needed](Instructions then) {
         finish(thread, choice, lines, then);
       });
  }

  // Whether the session's thread takes tasks; else it has gone on to another job, or sleeps.
  bool owner_works(Instructions now) {
    if (phase_ == Phase::kWork &&
        (schedule_.pictures().empty() || (begun_ < submitted_ && has_room()))) {
      phase_ = Phase::kNextJob;
    }
    if (phase_ == Phase::kNextJob) {
      owner_sleeps_ = begun_ == submitted_;
      if (owner_sleeps_) return false;
      phase_ = Phase::kPlace;
    }
    if (phase_ == Phase::kWork || !has_room()) return true;
    const size_t index = begun_++;
    at(now + pictures_[index].start, [this, index](Instructions then) {
      add(index);
      phase_ = Phase::kWork;
      step(0, then);
    });
    return false;
  }

  void add(size_t index) {
    const std::vector<uint32_t>& back = pictures_[index].refers_back;
    schedule_.add(states_[index], pictures_[index].shape, [&](const TaskSchedule::Picture& older) {
      const auto distance = static_cast<uint32_t>(index - index_of(older));
      return std::find(back.begin(), back.end(), distance) != back.end();
    });
  }

  void finish(uint32_t thread, const TaskSchedule::Choice& choice, uint32_t lines,
              Instructions now) {
    schedule_.finish(choice, /*succeeded=*/true, lines);
    if (!TaskSchedule::has_ended(*choice.picture)) return step(thread, now);
    const size_t index = index_of(*choice.picture);
    at(now + pictures_[index].finish, [this, thread, index](Instructions then) {
      schedule_.remove(states_[index]);
      if (!wake_owner(then) && schedule_.is_worth_waking()) wake_one(then);
      tell_end(index, then);
      step(thread, then);
    });
  }

  bool wake_owner(Instructions now) {
    if (!std::exchange(owner_waits_, false)) return false;
    at(now + machine_.wake, [this](Instructions then) { step(0, then); });
    return true;
  }

  void wake_one(Instructions now) {
    if (wake_owner(now)) return;
    uint32_t useful = 0;
    for (const TaskSchedule::Picture* picture : schedule_.pictures()) {
      useful += pictures_[index_of(*picture)].useful_threads;
    }
    if (helpers_called_ + 1 >= std::min(machine_.cores, useful)) return;
    ++helpers_called_;
    at(now + machine_.wake, [this](Instructions then) { step(1, then); });
  }

  size_t index_of(const TaskSchedule::Picture& picture) const {
    return static_cast<size_t>(&picture - states_.data());
  }
  bool has_room() const {
    return schedule_.pictures().size() < TaskSchedule::most_pictures(machine_.cores);
  }

  const std::span<const PictureCosts> pictures_;
  const Machine machine_;
  const size_t in_flight_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t events_added_ = 0;

  std::vector<TaskSchedule::Picture> states_;  // by picture, as are:
  std::vector<bool> ended_;
  TaskSchedule schedule_;
  size_t submitted_ = 0;  // pictures, as are:
  size_t begun_ = 0;
  size_t told_ = 0;  // to the client: ended, and those before them, too
  Instructions now_told_ = 0;

  Phase phase_ = Phase::kNextJob;
  bool owner_sleeps_ = true;  // for want of jobs
  bool owner_waits_ = false;  // for tasks
  uint32_t helpers_called_ = 0;
};

Error malformed(const std::string& line) {
  return {ErrorCode::kInvalidArgument, "not a line of costs: " + line};
}

bool read_picture(std::istream& words, PictureCosts& picture) {
  words >> picture.is_last >> picture.useful_threads >> picture.shape.batch >>
      picture.shape.lines_a_row >> picture.shape.reads_motion >> picture.start >> picture.finish;
  const bool complete = !words.fail();
  for (uint32_t back = 0; words >> back;) picture.refers_back.push_back(back);
  return complete && words.eof();
}

bool read_row(std::istream& words, PictureCosts& picture) {
  PictureCosts::Row& row = picture.rows.emplace_back();
  words >> row.tasks[0] >> row.tasks[1] >> row.lines_needed >> row.tasks[2] >> row.tasks[3];
  picture.shape.rows = static_cast<uint32_t>(picture.rows.size());
  return !words.fail();
}

}  // namespace

Instructions PictureCosts::all() const {
  Instructions sum = start + finish;
  for (const Row& row : rows) {
    for (const Instructions task : row.tasks) sum += task;
  }
  return sum;
}

Result<std::vector<PictureCosts>> read_costs(std::istream& in) {
  std::vector<PictureCosts> pictures;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    const bool is_row = kind == "row" && !pictures.empty();
    if (!is_row && kind != "picture") return malformed(line);
    if (!is_row) pictures.emplace_back();
    if (!(is_row ? read_row(words, pictures.back()) : read_picture(words, pictures.back()))) {
      return malformed(line);
    }
  }
  for (const PictureCosts& picture : pictures) {
    if (picture.rows.empty()) return malformed("a picture without rows");
  }
  return pictures;
}

Instructions simulate(std::span<const PictureCosts> pictures, const Machine& machine,
                      uint32_t in_flight) {
  return Simulation(pictures, machine, in_flight).run();
}

}  // namespace daedalus::benchmarks
