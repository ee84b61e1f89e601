#include "decode_core/workers/workers.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "test/catch.h"

namespace daedalus::core {
namespace {

TEST_CASE("every task runs once, and the run ends after the last") {
  for (const int threads : {1, 2, 3, 8}) {
    Workers workers(threads);
    CHECK(workers.threads() == threads);
    for (const uint32_t count : {0u, 1u, 2u, 7u, 100u}) {
      std::vector<int> runs(count, 0);  // unprotected: the run orders them before us
      workers.run(count, [&](uint32_t i) { ++runs[i]; });
      CHECK(runs == std::vector<int>(count, 1));
    }
  }
}

TEST_CASE("without a wish there is a worker a core") {
  CHECK(Workers().threads() >= 1);
  CHECK(Workers(-3).threads() >= 1);
}

TEST_CASE("tasks of one run overlap where there are threads") {
  Workers workers(3);
  std::atomic<int> together{0};
  // Each of three tasks waits for the others: one thread alone would never end.
  workers.run(3, [&](uint32_t) {
    ++together;
    while (together < 3) std::this_thread::yield();
  });
  CHECK(together == 3);
}

TEST_CASE("runs of several threads overlap") {
  Workers workers(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::vector<int> runs(round % 9, 0);
        workers.run(static_cast<uint32_t>(runs.size()), [&](uint32_t i) { ++runs[i]; });
        for (const int n : runs) wrong += n == 1 ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("workers may end at once, used or not") {
  for (int round = 0; round < 50; ++round) {
    auto workers = std::make_unique<Workers>(4);
    std::atomic<int> runs{0};
    if (round % 2 == 0) workers->run(4, [&](uint32_t) { ++runs; });
    workers.reset();
    CHECK(runs == (round % 2 == 0 ? 4 : 0));
  }
}

}  // namespace
}  // namespace daedalus::core
