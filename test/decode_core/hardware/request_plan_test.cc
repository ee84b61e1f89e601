// How slices are spread over requests, and what becomes of dependent slice segments and of lists
// that name pictures that are not there.
#include "decode_core/hardware/request_plan.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "test/catch.h"
#include "test/clients/parsers/hevc_slice_controls.h"
#include "test/decode_core/hevc_slices.h"

namespace daedalus::core::test {
namespace {

using rewrite::test::Bytes;
using rewrite::test::Elements;
using rewrite::test::Random;
using rewrite::test::Slice;

// A picture of a slice and, behind it, segments that depend on it.
DecodeJob make_picture(uint32_t seed, size_t dependent) {
  Random random(seed);
  Elements elements;
  Slice slice = rewrite::test::choose_slice(random);
  slice.pps.flags |= V4L2_HEVC_PPS_FLAG_DEPENDENT_SLICE_SEGMENT_ENABLED;
  DecodeJob job;
  HevcParameters parameters;
  parameters.sps = slice.sps;
  parameters.pps = slice.pps;
  parameters.decode = slice.decode;
  while (parameters.slices.size() < 1 + dependent) {
    Slice next = slice;
    const Bytes nal = rewrite::test::write_slice(random, next, elements);
    if (next.dependent != !parameters.slices.empty()) continue;
    job.slices.push_back(
        {static_cast<uint32_t>(job.bitstream.size()), static_cast<uint32_t>(nal.size())});
    job.bitstream.insert(job.bitstream.end(), nal.begin(), nal.end());
    parameters.slices.push_back({next.reference_set_bits, next.lists});
  }
  job.parameters = parameters;
  return job;
}

HevcParameters& hevc(DecodeJob& job) { return std::get<HevcParameters>(job.parameters); }

NalMode mode(bool slice_based, uint32_t slices, uint32_t entry_points = 4096) {
  NalMode mode;
  mode.slice_based = slice_based;
  mode.most_slices = slices;
  mode.most_entry_points = entry_points;
  return mode;
}

}  // namespace

TEST_CASE("a dependent slice segment goes on with the fields of its slice") {
  size_t inter = 0;
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    DecodeJob job = make_picture(seed, 2);
    const auto plan = plan_requests(job, mode(true, 1));
    REQUIRE(plan.ok());
    REQUIRE(plan->parts.size() == 3);
    REQUIRE(plan->hevc.size() == 3);
    std::vector<clients::HevcSliceControls> expected(3);
    for (size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      const v4l2_ctrl_hevc_slice_params* before = i == 0 ? nullptr : &expected[i - 1].slice;
      REQUIRE(clients::read_hevc_slice_controls(job.bytes_of(job.slices[i]), hevc(job),
                                                hevc(job).slices[i], before, &expected[i]));
      v4l2_ctrl_hevc_slice_params& slice = expected[i].slice;
      // Entries that are not in use are 0.
      const bool none = slice.slice_type == V4L2_HEVC_SLICE_TYPE_I;
      const bool b = slice.slice_type == V4L2_HEVC_SLICE_TYPE_B;
      std::fill(slice.ref_idx_l0 + (none ? 0 : slice.num_ref_idx_l0_active_minus1 + 1),
                std::end(slice.ref_idx_l0), 0);
      std::fill(slice.ref_idx_l1 + (b ? slice.num_ref_idx_l1_active_minus1 + 1 : 0),
                std::end(slice.ref_idx_l1), 0);
      REQUIRE(std::memcmp(&plan->hevc[i].slice, &slice, sizeof slice) == 0);
      REQUIRE(plan->hevc[i].entry_points == expected[i].entry_point_offsets);
      inter += none ? 0 : 1;
    }
  }
  CHECK(inter > 300);
}

TEST_CASE("no list leads out of the dpb") {
  size_t inter = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    DecodeJob job = make_picture(seed, 0);
    for (auto& list : hevc(job).slices.front().lists) list.fill(0xff);
    const auto plan = plan_requests(job, mode(false, 600));
    REQUIRE(plan.ok());
    const v4l2_ctrl_hevc_slice_params& slice = plan->hevc.front().slice;
    for (const uint8_t index : slice.ref_idx_l0) REQUIRE(index == 0);
    for (const uint8_t index : slice.ref_idx_l1) REQUIRE(index == 0);
    inter += slice.slice_type != V4L2_HEVC_SLICE_TYPE_I ? 1 : 0;
  }
  CHECK(inter > 20);
}

TEST_CASE("requests take as many slices as the controls, and no more") {
  DecodeJob job = make_picture(3, 6);
  const auto sizes = [&](const NalMode& mode) {
    const auto plan = plan_requests(job, mode);
    std::vector<size_t> counts;
    if (!plan) return counts;
    size_t next = 0;
    for (const RequestPart& part : plan->parts) {
      CHECK(part.first == next);
      next += part.count;
      counts.push_back(part.count);
    }
    CHECK(next == job.slices.size());
    return counts;
  };
  CHECK(sizes(mode(true, 3)) == std::vector<size_t>{3, 3, 1});
  CHECK(sizes(mode(true, 7)) == std::vector<size_t>{7});
  CHECK(sizes(mode(false, 7)) == std::vector<size_t>{7});
  CHECK(sizes(mode(true, 0)) == std::vector<size_t>{7});  // nothing is told of them
  const auto too_many = plan_requests(job, mode(false, 6));
  REQUIRE_FALSE(too_many.ok());
  CHECK(too_many.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a picture whose slices cannot be told of is not sent") {
  DecodeJob job = make_picture(3, 2);
  job.slices.erase(job.slices.begin());
  hevc(job).slices.erase(hevc(job).slices.begin());
  const auto orphan = plan_requests(job, mode(true, 1));
  REQUIRE_FALSE(orphan.ok());
  CHECK(orphan.error().code == ErrorCode::kCorrupt);
  job.slices.front().size = 3;
  const auto cut = plan_requests(job, mode(true, 1));
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == ErrorCode::kCorrupt);
}

}  // namespace daedalus::core::test
