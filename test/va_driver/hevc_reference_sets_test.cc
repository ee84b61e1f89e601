// What order the reference picture sets of HEVC get that VA has not.
#include "va_driver/hevc_reference_sets.h"

#include <algorithm>
#include <random>
#include <span>
#include <vector>

#include "decode_core/hevc_slice_parameters.h"
#include "test/catch.h"
#include "test/decode_core/hevc_slices.h"

namespace daedalus::test {
namespace {

using core::HevcParameters;
using core::rewrite::test::Random;
using core::rewrite::test::Slice;

struct Sets {
  explicit Sets(v4l2_ctrl_hevc_decode_params& decode)
      : before(decode.poc_st_curr_before, decode.num_poc_st_curr_before),
        after(decode.poc_st_curr_after, decode.num_poc_st_curr_after),
        long_term(decode.poc_lt_curr, decode.num_poc_lt_curr) {}
  std::span<uint8_t> before, after, long_term;
};

std::vector<uint8_t> copy_of(std::span<const uint8_t> set) { return {set.begin(), set.end()}; }

// A slice whose sets stand in the standard's order, and lists in one picture's job.
struct Case {
  core::DecodeJob job;
  HevcParameters parameters;
  headers::HevcSliceHeader header;
};

bool make_case(Random& random, Case* made) {
  Slice slice = core::rewrite::test::choose_slice(random);
  const auto distance = [&](uint8_t index) {
    const int64_t delta =
        int64_t{slice.decode.dpb[index].pic_order_cnt_val} - slice.decode.pic_order_cnt_val;
    return delta < 0 ? -delta : delta;
  };
  const Sets sets(slice.decode);
  std::ranges::sort(sets.before, {}, distance);
  std::ranges::sort(sets.after, {}, distance);
  core::rewrite::test::Elements elements;
  made->job.bitstream = core::rewrite::test::write_slice(random, slice, elements);
  made->job.slices = {{0, static_cast<uint32_t>(made->job.bitstream.size())}};
  made->parameters.sps = slice.sps;
  made->parameters.pps = slice.pps;
  made->parameters.decode = slice.decode;
  const auto header = headers::parse_hevc_slice_header(
      made->job.bitstream,
      {slice.sps, slice.pps, nullptr, headers::hevc_total_references(slice.decode),
       slice.reference_set_bits});
  if (!header || !slice.inter()) return false;
  made->header = *header;
  made->parameters.slices = {core::hevc_slice_parameters(*header, slice.decode)};
  made->parameters.slices.front().reference_set_bits = slice.reference_set_bits;
  return true;
}

}  // namespace

TEST_CASE("hevc: sets in any order become those that the slices' lists are made of") {
  Random random(49);
  std::mt19937 engine(50);
  size_t long_term = 0;
  size_t shuffled = 0;
  for (int round = 0; round < 4000; ++round) {
    CAPTURE(round);
    Case made;
    if (!make_case(random, &made)) continue;
    v4l2_ctrl_hevc_decode_params expected = made.parameters.decode;
    const Sets sets(made.parameters.decode);
    for (const auto& set : {sets.before, sets.after, sets.long_term}) {
      std::shuffle(set.begin(), set.end(), engine);
    }
    const std::vector<uint8_t> lost = copy_of(sets.long_term);
    va::order_reference_sets(made.job, &made.parameters);
    const Sets right(expected);
    REQUIRE(copy_of(sets.before) == copy_of(right.before));
    REQUIRE(copy_of(sets.after) == copy_of(right.after));
    CHECK(std::ranges::is_permutation(sets.long_term, right.long_term));
    const auto lists = core::hevc_slice_parameters(made.header, made.parameters.decode).lists;
    REQUIRE(lists == made.parameters.slices.front().lists);
    long_term += sets.long_term.size() > 1 ? 1 : 0;
    shuffled += lost != copy_of(right.long_term) ? 1 : 0;
  }
  CHECK(long_term > 100);
  CHECK(shuffled > 50);
}

}  // namespace daedalus::test
