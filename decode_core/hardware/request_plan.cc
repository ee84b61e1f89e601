#include "decode_core/hardware/request_plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/software/h264/reference_lists.h"

namespace daedalus::core {
namespace {

// MaxSliceSegmentsPerPicture of the highest level (H.265 table A.8).
constexpr size_t kMostHevcSlices = 600;

Error too_many(const char* what, size_t count, size_t most) {
  return {ErrorCode::kUnsupported, "the device takes " + std::to_string(most) + " " + what +
                                       " at once, not " + std::to_string(count)};
}

using DpbIndices = std::array<uint8_t, V4L2_HEVC_DPB_ENTRIES_NUM_MAX>;

// Drivers look into dpb with these unchecked (hevc_d_h265.c, cedrus_h265.c): a picture that is
// missing becomes one that is there.
void copy_list(const DpbIndices& list, size_t active, uint8_t dpb_entries, uint8_t* to) {
  std::transform(list.begin(), list.begin() + static_cast<ptrdiff_t>(active), to,
                 [=](uint8_t index) { return index < dpb_entries ? index : uint8_t{0}; });
}

Result<std::vector<HevcSliceControls>> hevc_slice_controls(const DecodeJob& job,
                                                           const HevcParameters& parameters) {
  const v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  std::vector<HevcSliceControls> controls;
  for (size_t i = 0; i < job.slices.size(); ++i) {
    const std::span<const uint8_t> nal = job.bytes_of(job.slices[i]);
    const HevcSliceParameters& known = parameters.slices[i];
    auto header = headers::parse_hevc_slice_header(
        nal, {parameters.sps, parameters.pps, nullptr, headers::hevc_total_references(decode),
              known.reference_set_bits});
    if (!header) return header.error();
    HevcSliceControls next{header->slice, std::move(header->entry_point_offsets)};
    v4l2_ctrl_hevc_slice_params& slice = next.slice;
    if (header->dependent) {
      // 7.4.7.1: the rest is that of the slice segment before.
      if (controls.empty()) {
        return Error{ErrorCode::kCorrupt, "HEVC: the slice that a segment depends on is missing"};
      }
      slice = controls.back().slice;
      slice.flags |= V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT;
      slice.nal_unit_type = header->slice.nal_unit_type;
      slice.nuh_temporal_id_plus1 = header->slice.nuh_temporal_id_plus1;
      slice.slice_segment_addr = header->slice.slice_segment_addr;
      slice.num_entry_point_offsets = header->slice.num_entry_point_offsets;
      slice.data_byte_offset = header->slice.data_byte_offset;
    } else {
      slice.slice_pic_order_cnt = decode.pic_order_cnt_val;
      copy_list(known.lists[0], header->active_references[0], decode.num_active_dpb_entries,
                slice.ref_idx_l0);
      copy_list(known.lists[1], header->active_references[1], decode.num_active_dpb_entries,
                slice.ref_idx_l1);
    }
    slice.bit_size = static_cast<uint32_t>(8 * nal.size());
    controls.push_back(std::move(next));
  }
  return controls;
}

uint8_t fields_of(h264::PictureStructure structure) {
  switch (structure) {
    case h264::PictureStructure::kTopField:
      return V4L2_H264_TOP_FIELD_REF;
    case h264::PictureStructure::kBottomField:
      return V4L2_H264_BOTTOM_FIELD_REF;
    case h264::PictureStructure::kFrame:
      break;
  }
  return V4L2_H264_FRAME_REF;
}

// Of a missing picture, an entry of dpb as above (cedrus_h264.c).
void copy_list(const h264::Slice& slice, size_t list, v4l2_h264_reference* to) {
  for (size_t i = 0; i < slice.list_sizes[list]; ++i) {
    const h264::Reference& reference = slice.lists[list][i];
    to[i].fields = fields_of(reference.structure);
    to[i].index = reference.entry == h264::Reference::kMissing ? uint8_t{0} : reference.entry;
  }
}

// As many slices to a request as the controls take.
Result<std::vector<RequestPart>> split(std::span<const HevcSliceControls> slices,
                                       const NalMode& mode) {
  std::vector<RequestPart> parts;
  size_t entry_points = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const size_t more = mode.most_entry_points == 0 ? 0 : slices[i].entry_points.size();
    if (more > mode.most_entry_points) {
      return too_many("entry points", more, mode.most_entry_points);
    }
    const bool fits = !parts.empty() && parts.back().count < mode.most_slices &&
                      entry_points + more <= mode.most_entry_points;
    if (!fits) {
      parts.push_back({i, 0});
      entry_points = 0;
    }
    ++parts.back().count;
    entry_points += more;
  }
  return parts;
}

}  // namespace

Result<H264SliceControls> h264_slice_controls(const DecodeJob& job,
                                              const H264Parameters& parameters, size_t slice) {
  auto header = headers::parse_h264_slice_header(job.bytes_of(job.slices[slice]),
                                                 {parameters.sps, parameters.pps});
  if (!header) return header.error();
  h264::Slice built;
  built.header = std::move(*header);
  const h264::OrderCounts counts(parameters.decode, {});
  h264::build_reference_lists(parameters.sps, parameters.decode, counts, built);
  H264SliceControls controls{built.header.slice, built.header.weights, false};
  copy_list(built, 0, controls.slice.ref_pic_list0);
  copy_list(built, 1, controls.slice.ref_pic_list1);
  controls.weighted = V4L2_H264_CTRL_PRED_WEIGHTS_REQUIRED(&parameters.pps, &controls.slice);
  return controls;
}

Result<RequestPlan> plan_requests(const DecodeJob& job, const NalMode& mode) {
  RequestPlan plan;
  if (job.codec() == Codec::kH264 && mode.slice_based) {
    for (size_t i = 0; i < job.slices.size(); ++i) plan.parts.push_back({i, 1});
    return plan;
  }
  const auto* hevc = std::get_if<HevcParameters>(&job.parameters);
  if (hevc == nullptr || mode.most_slices == 0) {
    plan.parts = {{0, job.slices.size()}};
    return plan;
  }
  const size_t most =
      mode.slice_based ? kMostHevcSlices : std::min<size_t>(kMostHevcSlices, mode.most_slices);
  if (job.slices.size() > most) return too_many("slices", job.slices.size(), most);
  auto slices = hevc_slice_controls(job, *hevc);
  if (!slices) return slices.error();
  auto parts = split(*slices, mode);
  if (!parts) return parts.error();
  if (!mode.slice_based && parts->size() > 1) {
    return Error{ErrorCode::kUnsupported, "the device takes " +
                                              std::to_string(mode.most_entry_points) +
                                              " entry points at once, and the picture has more"};
  }
  plan.parts = std::move(*parts);
  plan.hevc = std::move(*slices);
  return plan;
}

}  // namespace daedalus::core
