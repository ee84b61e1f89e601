// The native H.264 engine's task graph in computed time: what pictures would take on so many cores,
// from what their tasks take on one.
#ifndef DAEDALUS_BENCHMARKS_TASK_SIMULATION_H_
#define DAEDALUS_BENCHMARKS_TASK_SIMULATION_H_

#include <array>
#include <cstdint>
#include <istream>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/software/h264/task_schedule.h"

namespace daedalus::benchmarks {

// In instructions, as all times here: each core does as many in the same time.
using Instructions = uint64_t;

// What one job (frame or field) took, and what the engine knows of it.
struct PictureCosts {
  struct Row {
    std::array<Instructions, core::h264::kTasks> tasks{};  // by Task
    uint32_t lines_needed = 0;                             // of its references
  };

  bool is_last = true;  // of its frame: not a first field
  uint32_t useful_threads = 1;
  core::h264::TaskSchedule::Shape shape{};
  Instructions start = 0;   // before its rows, on the session's thread
  Instructions finish = 0;  // after them
  // Those it refers to, 1 being the one before; only such as can be under way with it.
  std::vector<uint32_t> refers_back{};
  std::vector<Row> rows{};

  Instructions all() const;
};

// Text, from one line to the next:
//   picture IS_LAST USEFUL_THREADS BATCH LINES_A_ROW READS_MOTION START FINISH REFERS_BACK…
//   row ENTROPY PREDICTION LINES_NEEDED RECONSTRUCTION DEBLOCKING      (of the picture above)
Result<std::vector<PictureCosts>> read_costs(std::istream& in);

struct Machine {
  uint32_t cores = 1;
  // From the moment that a thread is told to wake until it works.
  Instructions wake = 0;
};

// When a client has all of the pictures: it gives one as soon as it has the one that is `in_flight`
// before. The engine has as many threads as there are cores.
Instructions simulate(std::span<const PictureCosts> pictures, const Machine& machine,
                      uint32_t in_flight);

}  // namespace daedalus::benchmarks

#endif  // DAEDALUS_BENCHMARKS_TASK_SIMULATION_H_
