// The passes over several pictures, whatever the number of threads.
#include "decode_core/software/h264/task_graph.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "test/catch.h"

namespace daedalus::core::h264 {
namespace {

// A picture that refers to the one before it; checks the order of its tasks as they begin.
class Ledger final : public PictureTasks {
 public:
  explicit Ledger(uint32_t rows, const Ledger* reference = nullptr)
      : rows_(rows), reference_(reference) {}

  // A task takes so long at most.
  std::chrono::microseconds longest{0};
  // Without memory: this row of entropy decoding.
  uint32_t fails_at = ~0u;
  std::function<void()> told;

  bool refers_to(const PictureTasks& older) const override { return &older == reference_; }
  void execute(Task task, uint32_t row) override {
    const auto index = static_cast<size_t>(task);
    bool right = begun_[index].exchange(row + 1) == row && ended_[index] == row;
    if (index != 0) right = right && ended_[index - 1] > row;
    if (task == Task::kReconstruction && reference_ != nullptr && !reference_->has_ended_) {
      right = right && reference_->ended(Task::kDeblocking) >= std::min(row + 2, rows_);
    }
    if (!right) in_order_ = false;
    if (longest.count() != 0)
      std::this_thread::sleep_for(longest * ((row * 7 + index * 5) % 8) / 8);
    if (task == Task::kEntropy && row == fails_at) throw std::bad_alloc();
    ended_[index] = row + 1;
  }
  // The row's own lines and those of the row below: two rows of the reference.
  uint32_t lines_needed() const override { return (ended(Task::kPrediction) + 1) * 16 - 3; }
  void lose_reference() override { lost_ = true; }
  Ended end(bool succeeded) override {
    succeeded_ = succeeded;
    has_ended_ = true;
    return {{}, [this](DecodeOutcome) {
              if (told) told();
            }};
  }

  TaskSchedule::Shape shape(uint32_t batch) const {
    return {.rows = rows_, .lines_a_row = 16, .batch = batch};
  }
  bool in_order() const { return in_order_; }
  bool is_whole() const { return ended(Task::kDeblocking) == rows_; }
  bool has_ended() const { return has_ended_; }
  bool succeeded() const { return succeeded_; }
  bool lost() const { return lost_; }
  uint32_t ended(Task task) const { return ended_[static_cast<size_t>(task)]; }

 private:
  const uint32_t rows_;
  const Ledger* const reference_;
  std::array<std::atomic<uint32_t>, kTasks> begun_{};
  std::array<std::atomic<uint32_t>, kTasks> ended_{};
  std::atomic<bool> in_order_ = true;
  std::atomic<bool> has_ended_ = false;
  std::atomic<bool> succeeded_ = false;
  std::atomic<bool> lost_ = false;
};

void add(TaskGraph& graph, Ledger& picture, uint32_t batch = 1, uint32_t threads = 8) {
  graph.add(graph.await_place(), picture, picture.shape(batch), threads);
}

TEST_CASE("each row passes the tasks in their order, behind the rows of its reference") {
  const uint32_t threads = GENERATE(1u, 2u, 3u, 4u, 8u);
  const bool delayed = GENERATE(false, true);
  const bool several = GENERATE(false, true);
  const uint32_t batch = GENERATE(1u, 5u, 100u);
  CAPTURE(threads, delayed, several, batch);
  Workers workers(static_cast<int>(threads));
  std::vector<std::unique_ptr<Ledger>> pictures;
  std::atomic<size_t> told = 0;
  {
    TaskGraph graph(workers, threads);
    graph.expect(several);
    for (int i = 0; i < 12; ++i) {
      const Ledger* reference = pictures.empty() ? nullptr : pictures.back().get();
      auto& picture = *pictures.emplace_back(std::make_unique<Ledger>(10, reference));
      picture.longest = std::chrono::microseconds(delayed ? 200 : 0);
      picture.told = [&] { ++told; };
      add(graph, picture, batch);
      graph.work();
      if (!several || threads == 1) CHECK(picture.has_ended());
    }
    graph.expect(false);
    graph.work();
  }
  for (const auto& picture : pictures) {
    CHECK(picture->in_order());
    CHECK(picture->is_whole());
    CHECK(picture->succeeded());
  }
  CHECK(told == pictures.size());
}

TEST_CASE("while another picture is expected, several are worked at together") {
  Workers workers(2);
  TaskGraph graph(workers, 2);
  graph.expect(true);
  std::vector<std::unique_ptr<Ledger>> pictures;
  for (int i = 0; i < 2; ++i) {
    auto& picture = *pictures.emplace_back(std::make_unique<Ledger>(200));
    picture.longest = std::chrono::microseconds(200);
    add(graph, picture);
    graph.work();
    CHECK_FALSE(picture.has_ended());
  }
  graph.expect(false);
  graph.work();
  CHECK(pictures[0]->has_ended());
  CHECK(pictures[1]->has_ended());
}

TEST_CASE("who expects another picture lets the owner go") {
  Workers workers(2);
  TaskGraph graph(workers, 2);
  Ledger picture(500);
  picture.longest = std::chrono::microseconds(400);
  add(graph, picture);
  std::thread client([&] { graph.expect(true); });
  graph.work();
  CHECK_FALSE(picture.has_ended());
  client.join();
  graph.expect(false);
  graph.work();
  CHECK(picture.has_ended());
}

// Counts the tasks that run at the same time.
class Crowd final : public PictureTasks {
 public:
  bool refers_to(const PictureTasks&) const override { return false; }
  void execute(Task, uint32_t) override {
    const uint32_t now = ++running_;
    uint32_t most = most_;
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    --running_;
  }
  uint32_t lines_needed() const override { return 0; }
  void lose_reference() override {}
  Ended end(bool) override {
    return {{}, [](DecodeOutcome) {}};
  }
  uint32_t most() const { return most_; }

 private:
  std::atomic<uint32_t> running_ = 0;
  std::atomic<uint32_t> most_ = 0;
};

TEST_CASE("small pictures are left to fewer threads") {
  Workers workers(4);
  TaskGraph graph(workers, 4);
  Crowd picture;
  const uint32_t useful = GENERATE(1u, 2u);
  graph.add(graph.await_place(), picture, {.rows = 100}, useful);
  graph.work();
  CHECK(picture.most() == useful);
}

TEST_CASE("sessions share the workers and all pictures come to an end") {
  Workers workers(3);
  std::atomic<uint32_t> whole{0};
  std::vector<std::thread> sessions;
  for (int i = 0; i < 4; ++i) {
    sessions.emplace_back([&, several = i % 2 == 0] {
      std::vector<std::unique_ptr<Ledger>> pictures;
      TaskGraph graph(workers, 3);
      graph.expect(several);
      for (int n = 0; n < 50; ++n) {
        add(graph, *pictures.emplace_back(std::make_unique<Ledger>(7)));
        graph.work();
      }
      graph.expect(false);
      graph.work();
      for (const auto& picture : pictures) whole += picture->is_whole() && picture->in_order();
    });
  }
  for (std::thread& session : sessions) session.join();
  CHECK(whole == 4 * 50);
}

TEST_CASE("a task without memory ends the picture, and those that refer to it know") {
  const uint32_t threads = GENERATE(1u, 3u);
  Workers workers(static_cast<int>(threads));
  Ledger first(9), second(9, &first);
  first.longest = second.longest = std::chrono::microseconds(100);
  first.fails_at = 4;
  {
    TaskGraph graph(workers, threads);
    graph.expect(true);
    add(graph, first);
    graph.work();
    add(graph, second);
    graph.work();
    graph.expect(false);
    graph.work();
  }
  CHECK(first.has_ended());
  CHECK_FALSE(first.succeeded());
  CHECK(first.ended(Task::kReconstruction) <= 4);
  CHECK(second.succeeded());
  CHECK(second.is_whole());
  // Alone, the first had ended before the second came.
  CHECK(second.lost() == (threads > 1));
}

}  // namespace
}  // namespace daedalus::core::h264
