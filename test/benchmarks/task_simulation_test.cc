// The simulated task graph on graphs small enough to be computed by hand.
#include "benchmarks/task_simulation.h"

#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "test/catch.h"

namespace daedalus::benchmarks {
namespace {

using Tasks = std::array<Instructions, core::h264::kTasks>;

// Any number of threads is useful, and each row is worth waking one.
PictureCosts picture_of(size_t rows, const Tasks& tasks) {
  PictureCosts picture;
  picture.useful_threads = 8;
  picture.shape = {.rows = static_cast<uint32_t>(rows), .lines_a_row = 16};
  picture.rows.assign(rows, {tasks, 0});
  return picture;
}

TEST_CASE("on one core, everything is done one after the other") {
  PictureCosts picture = picture_of(2, {3, 1, 2, 1});
  picture.start = 5;
  picture.finish = 7;
  CHECK(picture.all() == 26);
  const std::vector<PictureCosts> pictures(3, picture);
  CHECK(simulate(pictures, {.cores = 1}, 1) == 78);
  CHECK(simulate(pictures, {.cores = 1}, 4) == 78);
  // The client wakes for each picture but the last one, and then the session does.
  CHECK(simulate(pictures, {.cores = 1, .wake = 10}, 1) == 78 + 2 * 2 * 10);
  CHECK(simulate(pictures, {.cores = 1, .wake = 10}, 4) == 78);
}

// Session: E0 E0 E0 E1 E1 E1 E2 E2 E2 .. P2 R2 R2 D2
// helper:           P0 R0 R0 D0 P1 R1 R1 D1
TEST_CASE("on two cores, the passes overlap") {
  const std::vector<PictureCosts> pictures = {picture_of(3, {3, 1, 2, 1})};
  CHECK(simulate(pictures, {.cores = 2}, 1) == 14);
}

// Session: E0 E0 E0 E1 E1 E1 E2 E2 E2 .. .. .. P2 R2 R2 D2
// helper:              P0 R0 R0 D0 P1 R1 R1 D1
TEST_CASE("a thread takes a while to wake") {
  const std::vector<PictureCosts> pictures = {picture_of(3, {3, 1, 2, 1})};
  CHECK(simulate(pictures, {.cores = 2, .wake = 1}, 1) == 16);
}

TEST_CASE("of pictures that are not worth it, one thread does all") {
  std::vector<PictureCosts> pictures = {picture_of(3, {3, 1, 2, 1})};
  pictures[0].useful_threads = 1;
  CHECK(simulate(pictures, {.cores = 4}, 1) == 21);
}

// Session: s E E P R R R R R R R R R R D       (s, e, p, r, d: of the second picture)
// helper:    e e e e p r d
TEST_CASE("a picture that is given early is decoded beside the one before") {
  std::vector<PictureCosts> pictures = {picture_of(1, {2, 1, 10, 1}), picture_of(1, {4, 1, 1, 1})};
  pictures[1].start = 1;
  const Machine machine{.cores = 2};
  CHECK(simulate(pictures, machine, 2) == 15);
  CHECK(simulate(pictures, machine, 4) == 15);
  CHECK(simulate(pictures, machine, 1) == 14 + 8);
  SECTION("and waits for one that it refers to") {
    pictures[1].refers_back = {1};
    pictures[1].rows[0].lines_needed = std::numeric_limits<uint32_t>::max();
    CHECK(simulate(pictures, machine, 2) == 17);
  }
  SECTION("but for none further back") {
    pictures[1].refers_back = {2};
    pictures[1].rows[0].lines_needed = std::numeric_limits<uint32_t>::max();
    CHECK(simulate(pictures, machine, 2) == 15);
  }
}

// Session: E0 E1 p .. .. .. P1 R1 R1 R1 R1 D1
// helper:  e  P0 R0 R0 R0 R0 D0 r  r  r  r  d
TEST_CASE("a picture follows the one it refers to by the lines that it reads") {
  std::vector<PictureCosts> pictures = {picture_of(2, {1, 1, 4, 1}), picture_of(1, {1, 1, 4, 1})};
  pictures[1].refers_back = {1};
  const Machine machine{.cores = 2};
  // With its first row deblocked, 13 lines of the older one are final.
  pictures[1].rows[0].lines_needed = 13;
  CHECK(simulate(pictures, machine, 2) == 12);
  pictures[1].rows[0].lines_needed = 14;
  CHECK(simulate(pictures, machine, 2) == 17);
}

TEST_CASE("costs are read from text") {
  std::istringstream text(
      "picture 0 3 2 16 1 10 20 1 4\nrow 1 2 48 3 4\nrow 5 6 4294967295 7 8\n"
      "picture 1 1 1 0 0 30 40\nrow 1 1 0 1 1\n");
  const auto pictures = read_costs(text);
  REQUIRE(pictures.ok());
  REQUIRE(pictures->size() == 2);
  const PictureCosts& first = pictures->front();
  CHECK_FALSE(first.is_last);
  CHECK(first.useful_threads == 3);
  CHECK(first.shape.rows == 2);
  CHECK(first.shape.batch == 2);
  CHECK(first.shape.lines_a_row == 16);
  CHECK(first.shape.reads_motion);
  CHECK(first.refers_back == std::vector<uint32_t>{1, 4});
  CHECK(first.rows[0].lines_needed == 48);
  CHECK(first.rows[1].tasks == Tasks{5, 6, 7, 8});
  CHECK(first.all() == 66);
  CHECK(pictures->back().is_last);
  CHECK(pictures->back().refers_back.empty());
  CHECK(pictures->back().finish == 40);
}

TEST_CASE("what is no text of costs is told") {
  const std::string head = "picture 1 1 1 0 0 1 1";
  const std::string row = "row 1 2 3 4 5\n";
  for (const std::string& text :
       {row, "picture 1 1 1 0 0 1\n" + row, head + "\n", head + " x\n" + row,
        head + "\nrow 1 2 3 4\n", head + "\n" + row + "line\n", head + "\n" + row + "\n"}) {
    CAPTURE(text);
    std::istringstream in(text);
    CHECK_FALSE(read_costs(in).ok());
  }
  std::istringstream right(head + "\n" + row);
  CHECK(read_costs(right).ok());
}

}  // namespace
}  // namespace daedalus::benchmarks
