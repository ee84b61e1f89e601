#include "gpu_kernels/cdef/av1.h"

#include <array>
#include <string>
#include <vector>

#include "gpu_kernels/cdef/av1_test_pictures.h"
#include "gpu_kernels/harness.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using cdef_test::TestPicture;
using harness::draw;
using harness::Fill;
using harness::kFills;
using harness::Random;

// Literal expectations for both substrates, so that the reference is not its own judge.
const Substrate kBoth[] = {Substrate::kScalar, Substrate::kSimd};

TEST_CASE("tables say what they are", "[cdef]") {
  harness::check_wishes<Av1CdefFunctions>(av1_cdef_functions);
}

// Luma of three by three blocks, the middle one filtered.
TestPicture middle_block(const Av1CdefStrengths& strengths, int damping) {
  TestPicture test({3, 3, 8});
  test.picture.damping = damping;
  test.picture.strengths[2] = strengths;
  test.blocks.assign(9, kAv1CdefSkipped);
  test.blocks[4] = 2;
  return test;
}

TEST_CASE("a lone sample gives way to its taps, and only in blocks that are not skipped",
          "[cdef]") {
  for (const Substrate substrate : kBoth) {
    // Flat but for two samples: one in the block, one beside it. Both taps of 4 / 2 along one
    // direction and of 2 / 1 along two others pull by a strength of 4, less the difference of 16
    // shifted by damping 6 less 2: 3 each, 12 * 3 by the secondary ones alone.
    TestPicture test = middle_block({.y_secondary = 4}, 6);
    test.fill_with(100);
    test.set(0, 12, 12, 116);
    test.set(0, 6, 12, 116);
    test.run(av1_cdef_functions(substrate));
    CHECK(test.result(0, 12, 12) == 116 - (12 * 3 + 7) / 16);
    CHECK(test.result(0, 6, 12) == 116);
    // Rounded as the clause says: a tap of 2 or 1 towards it is 6 or 3 sixteenths.
    CHECK(test.result(0, 11, 12) == 100);
    CHECK(test.result(0, 4, 4) == 100);
    CHECK(test.result(1, 4, 4) == 100);
  }
}

TEST_CASE("the result stays within its taps", "[cdef]") {
  for (const Substrate substrate : kBoth) {
    // Chroma is flat but for a sample whose neighbours are all 3 above it: 24 sixteenths of 3
    // would be 5.
    TestPicture test = middle_block({.uv_primary = 14, .uv_secondary = 4}, 6);
    test.fill_with(100);
    test.set(1, 6, 6, 97);
    test.run(av1_cdef_functions(substrate));
    CHECK(test.result(1, 6, 6) == 100);
    CHECK(test.result(2, 6, 6) == 100);
  }
}

TEST_CASE("samples outside the picture pull at nothing", "[cdef]") {
  for (const Substrate substrate : kBoth) {
    TestPicture test({1, 1, 10});
    test.picture.strengths[0] = {15, 4, 15, 4};
    test.fill_with(1023);
    test.run(av1_cdef_functions(substrate));
    for (size_t i = 0; i < 3; ++i) CHECK(test.to[i] == test.from[i]);
  }
}

TEST_CASE("every target writes what the reference writes, and nothing else", "[cdef]") {
  harness::for_each_target<Av1CdefFunctions>(
      av1_cdef_functions, [](const Av1CdefFunctions& functions) {
        Random random(7);
        for (int round = 0; round < 240; ++round) {
          TestPicture test = TestPicture::choose(random, kFills[round % std::size(kFills)]);
          TestPicture expected = test;
          expected.run(av1_cdef_functions(Substrate::kScalar));
          test.run(functions);
          const std::string what = test.described() + ", round " + std::to_string(round);
          if (!(test == expected)) FAIL(what);
        }
      });
}

TEST_CASE("rows of blocks may be filtered in any order", "[cdef]") {
  for (const Substrate substrate : kBoth) {
    Random random(3);
    TestPicture test = TestPicture::choose(random, Fill::kNear);
    TestPicture by_rows = test;
    const Av1CdefFunctions& functions = av1_cdef_functions(substrate);
    test.run(functions);
    const Av1CdefPicture picture = by_rows.planes();
    for (uint32_t row = picture.block_rows; row-- > 0;) functions.rows(picture, row, row + 1);
    functions.rows(picture, 0, 0);
    CHECK(test == by_rows);
  }
}

TEST_CASE("what is out of range is refused, and named", "[cdef]") {
  const auto refusal = [](const auto& spoil) {
    TestPicture test({2, 1, 8});
    Av1CdefPicture picture = test.planes();
    CHECK(check_av1_cdef(picture).ok());
    spoil(picture, test);
    const Status status = check_av1_cdef(picture);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kInvalidArgument);
    return status.error().message;
  };
  using Picture = Av1CdefPicture;
  const auto named = [](const std::string& message, const char* word) {
    CAPTURE(message);
    CHECK(message.find(word) != std::string::npos);
  };
  named(refusal([](Picture& p, TestPicture&) { p.bit_depth = 9; }), "bits");
  named(refusal([](Picture& p, TestPicture&) { p.blocks_across = 0; }), "size");
  named(refusal([](Picture& p, TestPicture&) { p.block_rows = 8193; }), "size");
  named(refusal([](Picture& p, TestPicture&) { p.damping = 7; }), "damping");
  named(refusal([](Picture& p, TestPicture&) { p.damping = 2; }), "damping");
  named(refusal([](Picture& p, TestPicture&) { p.strengths[7].y_primary = 16; }), "strength");
  named(refusal([](Picture& p, TestPicture&) { p.strengths[7].uv_secondary = 3; }), "strength");
  named(refusal([](Picture&, TestPicture& t) { t.blocks[1] = 8; }), "eight");
}

TEST_CASE("how fast the reference and SIMD are", "[.bench]") {
  harness::for_each_target<Av1CdefFunctions>(
      av1_cdef_functions, [](const Av1CdefFunctions& functions) {
        for (const int bit_depth : {8, 10}) {
          TestPicture test({16, 8, bit_depth});
          test.picture.strengths[0] = {9, 2, 7, 1};
          Random random(1);
          test.fill(Fill::kNear, random);
          const Av1CdefPicture picture = test.planes();
          const auto run = [&](const Av1CdefFunctions& with) {
            with.rows(picture, 0, picture.block_rows);
          };
          harness::print_ratio(
              bit_depth == 8 ? "cdef 8 bit" : "cdef 10 bit", functions.target,
              [&] { run(av1_cdef_functions(Substrate::kScalar)); }, [&] { run(functions); });
        }
      });
}

}  // namespace
}  // namespace daedalus::gpu_kernels
