// Which row of which picture comes next.
#include "decode_core/software/h264/task_schedule.h"

#include <optional>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

using Picture = TaskSchedule::Picture;
using Shape = TaskSchedule::Shape;

constexpr auto kNone = [](const Picture&) { return false; };
constexpr auto kAll = [](const Picture&) { return true; };

// Takes a task and ends it at once; what it was.
std::optional<TaskSchedule::Choice> step(TaskSchedule& schedule, bool alone, uint32_t lines = 0) {
  const auto choice = schedule.take(alone);
  if (choice.has_value()) schedule.finish(*choice, /*succeeded=*/true, lines);
  return choice;
}

// Ends all tasks of a kind that can be ended, the oldest picture first; how many.
void run_to_end(TaskSchedule& schedule, uint32_t lines = 0) {
  while (step(schedule, /*alone=*/true, lines)) {
  }
}

TEST_CASE("a thread alone follows each row to its end") {
  TaskSchedule schedule;
  Picture picture;
  schedule.add(picture, {.rows = 3}, kNone);
  for (uint32_t row = 0; row < 3; ++row) {
    for (const Task task :
         {Task::kEntropy, Task::kPrediction, Task::kReconstruction, Task::kDeblocking}) {
      CHECK_FALSE(TaskSchedule::has_ended(picture));
      const auto choice = step(schedule, /*alone=*/true);
      REQUIRE(choice.has_value());
      CHECK(choice->task == task);
      CHECK(choice->row == row);
    }
  }
  CHECK(TaskSchedule::has_ended(picture));
  CHECK_FALSE(schedule.take(/*alone=*/true).has_value());
}

TEST_CASE("each kind of task is on one thread at a time, and entropy decoding comes first") {
  TaskSchedule schedule;
  Picture picture;
  schedule.add(picture, {.rows = 3}, kNone);
  step(schedule, false);
  const auto entropy = schedule.take(false);
  REQUIRE(entropy.has_value());
  CHECK(entropy->task == Task::kEntropy);
  CHECK(entropy->row == 1);
  const auto prediction = schedule.take(false);
  REQUIRE(prediction.has_value());
  CHECK(prediction->task == Task::kPrediction);
  CHECK(prediction->row == 0);
  CHECK_FALSE(schedule.take(false).has_value());
}

TEST_CASE("a picture that is predicted at once is entropy decoded before") {
  for (const bool alone : {false, true}) {
    TaskSchedule schedule;
    Picture picture;
    schedule.add(picture, {.rows = 3, .predicts_at_once = true}, kNone);
    for (uint32_t row = 0; row < 3; ++row) {
      const auto entropy = step(schedule, alone);
      REQUIRE(entropy.has_value());
      CHECK(entropy->task == Task::kEntropy);
    }
    const auto prediction = step(schedule, alone);
    REQUIRE(prediction.has_value());
    CHECK(prediction->task == Task::kPrediction);
    run_to_end(schedule);
    CHECK(TaskSchedule::has_ended(picture));
  }
}

TEST_CASE("reconstruction waits for the lines of references that are read") {
  TaskSchedule schedule;
  Picture older, picture;
  schedule.add(older, {.rows = 3, .lines_a_row = 16}, kNone);
  schedule.add(picture, {.rows = 3, .lines_a_row = 16}, kAll);
  CHECK(TaskSchedule::refers_to(picture, older));
  CHECK_FALSE(TaskSchedule::refers_to(older, picture));
  // The older one rests, its first task begun: the other one is entropy decoded and planned.
  const auto held = schedule.take(false);
  REQUIRE(held.has_value());
  CHECK(held->picture == &older);
  // With one row deblocked, 13 lines are final: deblocking of the next row changes three.
  const uint32_t needed = GENERATE(0u, 1u, 13u, 14u, 29u, 30u, TaskSchedule::kAllLines);
  CAPTURE(needed);
  const auto is_reconstructed = [&] {
    while (const auto choice = step(schedule, false, needed)) {
      if (choice->picture == &picture && choice->task == Task::kReconstruction) return true;
    }
    return false;
  };
  CHECK(is_reconstructed() == (needed == 0));
  if (needed == 0) return;
  schedule.finish(*held, true);
  // The older picture's rows, one by one; the first tasks ready are its own.
  uint32_t deblocked = 0;
  bool reconstructed = false;
  while (!reconstructed) {
    const auto choice = step(schedule, false, 0);
    REQUIRE(choice.has_value());
    if (choice->picture == &older) deblocked += choice->task == Task::kDeblocking;
    reconstructed = choice->picture == &picture && choice->task == Task::kReconstruction;
  }
  CHECK(deblocked == 3);  // the oldest comes first
}

TEST_CASE("reconstruction may run behind deblocking of its reference") {
  TaskSchedule schedule;
  Picture older, picture;
  schedule.add(older, {.rows = 3, .lines_a_row = 16}, kNone);
  const uint32_t lines = GENERATE(13u, 14u);
  // One row of the older one to its end, and the next one's deblocking held.
  for (int i = 0; i < 7; ++i) step(schedule, /*alone=*/true);
  const auto held = schedule.take(/*alone=*/true);
  REQUIRE(held.has_value());
  CHECK(held->task == Task::kDeblocking);
  CHECK(held->row == 1);
  schedule.add(picture, {.rows = 3, .lines_a_row = 16}, kAll);
  bool reconstructed = false;
  while (const auto choice = step(schedule, /*alone=*/true, lines)) {
    reconstructed |= choice->picture == &picture && choice->task == Task::kReconstruction;
  }
  CHECK(reconstructed == (lines == 13));
}

TEST_CASE("a reference that is not told by lines is waited for whole") {
  TaskSchedule schedule;
  Picture older, picture;
  schedule.add(older, {.rows = 2}, kNone);
  run_to_end(schedule);
  CHECK(TaskSchedule::has_ended(older));
  schedule.add(picture, {.rows = 1, .lines_a_row = 16}, kAll);
  run_to_end(schedule, /*lines=*/1);
  CHECK_FALSE(TaskSchedule::has_ended(picture));
  schedule.remove(older);
  run_to_end(schedule, /*lines=*/1);
  CHECK(TaskSchedule::has_ended(picture));
}

TEST_CASE("entropy decoding that reads motion waits for that of the references") {
  const bool reads_motion = GENERATE(false, true);
  TaskSchedule schedule;
  Picture older, picture;
  schedule.add(older, {.rows = 2, .lines_a_row = 16}, kNone);
  schedule.add(picture, {.rows = 2, .lines_a_row = 16, .reads_motion = reads_motion}, kAll);
  step(schedule, false);
  const auto held = schedule.take(false);  // entropy decoding of the older one's last row
  REQUIRE(held.has_value());
  CHECK(held->task == Task::kEntropy);
  bool begun = false;
  while (const auto choice = step(schedule, false)) begun |= choice->picture == &picture;
  CHECK(begun != reads_motion);
  schedule.finish(*held, true);
  run_to_end(schedule);
  CHECK(TaskSchedule::has_ended(picture));
}

TEST_CASE("a picture that failed ends once nothing of it runs, and its successors go on") {
  TaskSchedule schedule;
  Picture older, picture;
  schedule.add(older, {.rows = 4, .lines_a_row = 16}, kNone);
  schedule.add(picture, {.rows = 4, .lines_a_row = 16, .reads_motion = true}, kAll);
  step(schedule, false);
  const auto entropy = schedule.take(false);
  const auto prediction = schedule.take(false);
  REQUIRE(prediction.has_value());
  schedule.finish(*entropy, /*succeeded=*/false);
  CHECK(older.has_failed());
  CHECK_FALSE(TaskSchedule::has_ended(older));
  CHECK_FALSE(schedule.take(false).has_value());
  schedule.finish(*prediction, true, 0);
  CHECK(TaskSchedule::has_ended(older));
  schedule.remove(older);
  run_to_end(schedule, TaskSchedule::kAllLines);
  CHECK(TaskSchedule::has_ended(picture));
  CHECK_FALSE(picture.has_failed());
}

TEST_CASE("a thread is woken for entropy decoding, and for a batch of rows behind it") {
  TaskSchedule schedule;
  Picture picture;
  schedule.add(picture, {.rows = 9, .batch = 4}, kNone);
  CHECK(schedule.is_worth_waking());
  for (uint32_t row = 0; row < 9; ++row) {
    const auto entropy = schedule.take(false);
    REQUIRE(entropy->task == Task::kEntropy);
    CHECK(schedule.is_worth_waking() == (row >= 4));
    schedule.finish(*entropy, true);
  }
  CHECK(schedule.is_worth_waking());
  // What is left is worth it however little it is.
  run_to_end(schedule);
  CHECK_FALSE(schedule.is_worth_waking());
}

}  // namespace
}  // namespace daedalus::core::h264
