// What the native H.264 engine would reach on several cores, computed: reads the instructions of
// its tasks (task_simulation.h) from standard input and prints a line of JSON for each number of
// cores and of pictures in flight.
//   simulate_h264 WAKE < COSTS       WAKE: instructions while a thread wakes up
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "benchmarks/task_simulation.h"

int main(int argc, char** argv) {
  using namespace daedalus::benchmarks;
  if (argc != 2) {
    std::fprintf(stderr, "usage: simulate_h264 WAKE < COSTS\n");
    return 2;
  }
  const auto pictures = read_costs(std::cin);
  if (!pictures) {
    std::fprintf(stderr, "simulate_h264: %s\n", pictures.error().message.c_str());
    return 1;
  }
  unsigned frames = 0;
  for (const PictureCosts& picture : *pictures) frames += picture.is_last ? 1 : 0;
  for (const uint32_t cores : {1, 2, 4}) {
    for (const uint32_t in_flight : {1, 2, 4}) {
      if (cores == 1 && in_flight != 1) continue;  // changes nothing
      const Machine machine{.cores = cores, .wake = std::strtoull(argv[1], nullptr, 10)};
      const Instructions time = simulate(*pictures, machine, in_flight);
      std::printf("{\"cores\": %u, \"in_flight\": %u, \"frames\": %u, \"instructions\": %llu}\n",
                  cores, in_flight, frames, static_cast<unsigned long long>(time));
    }
  }
  return 0;
}
