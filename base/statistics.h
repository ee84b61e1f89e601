// Statistics pages: what really decoded, one fixed-layout page for each session, and what a
// transport carried, one for each of its nodes; mapped from a file so that it survives a crash of
// the program and anybody may look at it while the program runs.
#ifndef DAEDALUS_BASE_STATISTICS_H_
#define DAEDALUS_BASE_STATISTICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapping.h"
#include "base/result.h"

namespace daedalus {

// The page's layout; a file holds exactly one, in the host's byte order. Counters only grow, but
// for queue_depth. Text fields are padded with zeros and always end in one.
struct StatisticsPage {
  static constexpr uint64_t kMagic = 0x3354'4154'5344'4144;  // "DADSTAT3"
  static constexpr size_t kStages = 16;

  struct Stage {
    std::array<char, 16> name;       // "pack"; empty: unused from here on
    std::array<char, 16> substrate;  // "scalar", "AVX2", "NEON", …
    std::atomic<uint64_t> pictures;
  };

  std::atomic<uint64_t> magic;  // written last
  uint32_t pid;
  uint32_t session;  // 1, 2, … in the process
  std::array<char, 32> program;
  std::array<char, 16> front;
  std::array<char, 16> codec;
  std::array<char, 32> profile;
  std::array<char, 16> engine;
  std::array<char, 16> backend;
  std::atomic<uint32_t> width;  // luma samples, of the last picture
  std::atomic<uint32_t> height;
  std::atomic<uint64_t> pictures;      // decoded; a pair of fields is one
  std::atomic<uint64_t> concealed;     // of these, with samples made up
  std::atomic<uint64_t> errors;        // pictures without pixels
  std::atomic<uint64_t> redecodes;     // pictures decoded twice
  std::atomic<uint64_t> gpu_failures;  // stages of pictures that the CPU had to finish for the GPU
  std::atomic<uint64_t> queue_depth;
  // Of a node that a transport serves (front "cuse", `profile` is its path), 0 in sessions.
  std::atomic<uint64_t> calls;  // ioctls answered
  std::atomic<uint64_t>
      trips;  // times that the kernel brought one; more where it had to fetch more
  std::atomic<uint64_t> polls;
  std::atomic<uint64_t> bytes;  // copied between clients and us for them
  std::array<Stage, kStages> stages;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// The writer's end. Any thread may count. Where no file can be made, the counts go to private
// memory: statistics are never an error.
class Statistics {
 public:
  struct Identity {
    std::string front, codec, profile, engine, backend;
    uint32_t width = 0, height = 0;
  };
  // `folder` is made if missing; empty means no file. Pages of processes that have ended are
  // removed from it when `sweep` is set.
  Statistics(const std::string& folder, const Identity& identity, bool sweep);
  ~Statistics();
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;

  StatisticsPage& page() { return *page_; }
  // One more picture whose stage ran on the substrate of that name.
  void count_stage(std::string_view stage, std::string_view substrate);

 private:
  Mapping mapping_;
  std::unique_ptr<StatisticsPage> private_page_;
  StatisticsPage* page_;
};

// A page as somebody else read it.
struct StatisticsSnapshot {
  uint32_t pid = 0, session = 0, width = 0, height = 0;
  std::string program, front, codec, profile, engine, backend;
  uint64_t pictures = 0, concealed = 0, errors = 0, redecodes = 0;
  uint64_t gpu_failures = 0, queue_depth = 0;
  uint64_t calls = 0, trips = 0, polls = 0, bytes = 0;
  struct Stage {
    std::string name, substrate;
    uint64_t pictures;
  };
  std::vector<Stage> stages;
};

// All valid pages of a folder, by pid and session; files that are no pages are passed over.
Result<std::vector<StatisticsSnapshot>> read_statistics(const std::string& folder);

// Where pages go when DAEDALUS_STATS is unset: $XDG_RUNTIME_DIR/daedalus, or "" without one.
std::string default_statistics_folder();

}  // namespace daedalus

#endif  // DAEDALUS_BASE_STATISTICS_H_
