// The order in which the passes over a picture run, whatever the number of threads.
#include "decode_core/software/h264/task_graph.h"

#include <array>
#include <atomic>
#include <chrono>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

// Rows that each task has begun and ended; checks the order as a task begins.
class Ledger {
 public:
  void begin(Task task, uint32_t row) {
    const auto index = static_cast<size_t>(task);
    in_order_ = in_order_ && begun_[index] == row && ended_[index] == row;
    if (index != 0) in_order_ = in_order_ && ended_[index - 1] > row;
    begun_[index] = row + 1;
  }
  void end(Task task, uint32_t row) { ended_[static_cast<size_t>(task)] = row + 1; }

  bool in_order() const { return in_order_; }
  uint32_t ended(Task task) const { return ended_[static_cast<size_t>(task)]; }

 private:
  std::array<std::atomic<uint32_t>, kTasks> begun_{};
  std::array<std::atomic<uint32_t>, kTasks> ended_{};
  std::atomic<bool> in_order_ = true;
};

TEST_CASE("each row passes entropy decoding, reconstruction and deblocking in this order") {
  constexpr uint32_t kRows = 40;
  const uint32_t threads = GENERATE(1u, 2u, 3u, 4u);
  const bool delayed = GENERATE(false, true);
  const uint32_t batch = GENERATE(1u, 5u, 100u);
  CAPTURE(threads, delayed, batch);
  Workers workers(static_cast<int>(threads));
  Ledger ledger;
  std::vector<std::chrono::microseconds> delays(kRows * kTasks);
  std::mt19937 random(threads);
  for (auto& delay : delays) delay = std::chrono::microseconds(delayed ? random() % 300 : 0);
  TaskGraph graph({.rows = kRows, .batch = batch}, [&](Task task, uint32_t row) {
    ledger.begin(task, row);
    const auto delay = delays[static_cast<size_t>(task) * kRows + row];
    if (delay.count() != 0) std::this_thread::sleep_for(delay);
    ledger.end(task, row);
    return false;
  });
  CHECK(graph.run(workers, threads));
  CHECK(ledger.in_order());
  CHECK(ledger.ended(Task::kEntropy) == kRows);
  CHECK(ledger.ended(Task::kReconstruction) == kRows);
  CHECK(ledger.ended(Task::kDeblocking) == kRows);
}

TEST_CASE("the next picture is begun once this one's entropy decoding is over, and no further") {
  constexpr uint32_t kRows = 12;
  constexpr uint32_t kParsed = 5;
  constexpr uint32_t kMost = 4;
  const uint32_t threads = GENERATE(2u, 3u, 4u);
  Workers workers(static_cast<int>(threads));
  std::atomic<uint32_t> parsed = kParsed;
  std::atomic<uint32_t> ahead = 0;
  std::atomic<bool> in_order = true;
  TaskGraph graph({.rows = kRows, .parsed_rows = kParsed, .next_picture = true},
                  [&](Task task, uint32_t row) {
                    if (task == Task::kEntropy) in_order = in_order && parsed++ == row;
                    if (task == Task::kDeblocking)
                      std::this_thread::sleep_for(std::chrono::milliseconds(2));
                    if (task != Task::kNextPicture) return false;
                    in_order = in_order && ahead == row && parsed == kRows;
                    return ++ahead < kMost;
                  });
  CHECK(graph.run(workers, threads));
  CHECK(in_order);
  CHECK(ahead > 0);
  CHECK(ahead <= kMost);
}

TEST_CASE("alone, a thread leaves the next picture for later") {
  Workers workers(1);
  bool ahead = false;
  TaskGraph graph({.rows = 3, .next_picture = true}, [&](Task task, uint32_t) {
    ahead = ahead || task == Task::kNextPicture;
    return true;
  });
  CHECK(graph.run(workers, 1));
  CHECK_FALSE(ahead);
}

TEST_CASE("many pictures at a time share the workers and all come to an end") {
  Workers workers(3);
  std::atomic<uint32_t> done{0};
  std::vector<std::thread> sessions;
  for (int i = 0; i < 4; ++i) {
    sessions.emplace_back([&] {
      for (int picture = 0; picture < 50; ++picture) {
        TaskGraph graph({.rows = 7}, [&](Task, uint32_t) {
          ++done;
          return false;
        });
        graph.run(workers, 3);
      }
    });
  }
  for (std::thread& session : sessions) session.join();
  CHECK(done == 4 * 50 * 7 * 3);
}

TEST_CASE("a task without memory ends the picture, and nothing that depends on it runs") {
  const uint32_t threads = GENERATE(1u, 3u);
  Workers workers(static_cast<int>(threads));
  std::atomic<bool> reconstructed_it = false;
  TaskGraph graph({.rows = 9}, [&](Task task, uint32_t row) -> bool {
    if (task == Task::kEntropy && row == 4) throw std::bad_alloc();
    if (task == Task::kReconstruction && row == 4) reconstructed_it = true;
    return false;
  });
  CHECK_FALSE(graph.run(workers, threads));
  CHECK_FALSE(reconstructed_it);
}

}  // namespace
}  // namespace daedalus::core::h264
