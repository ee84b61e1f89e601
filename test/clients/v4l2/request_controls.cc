#include "test/clients/v4l2/request_controls.h"

#include <algorithm>
#include <string>

namespace daedalus::v4l2_client {
namespace {

struct Value {
  uint32_t id;
  const void* data;
  uint32_t size;
  bool optional;     // hardware that can do without it lacks the control
  bool of_sequence;  // also before there is a picture
};

template <typename T>
Value value(uint32_t id, const T& data, bool of_sequence, bool optional = false) {
  return {id, &data, sizeof data, optional, of_sequence};
}

std::vector<Value> values_of(const clients::H264Controls& c) {
  std::vector<Value> values = {value(V4L2_CID_STATELESS_H264_SPS, c.sps, true),
                               value(V4L2_CID_STATELESS_H264_PPS, c.pps, false),
                               value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, c.decode, false)};
  if (c.pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) {
    values.push_back(value(V4L2_CID_STATELESS_H264_SCALING_MATRIX, c.scaling_matrix, false, true));
  }
  return values;
}
std::vector<Value> values_of(const clients::Vp9Controls& c) {
  return {value(V4L2_CID_STATELESS_VP9_FRAME, c.frame, true),
          value(V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, c.compressed, false, true)};
}
std::vector<Value> values_of(const clients::Vp8Controls& c) {
  return {value(V4L2_CID_STATELESS_VP8_FRAME, c.frame, false)};
}
std::vector<Value> values_of(const clients::Mpeg2Controls& c) {
  return {value(V4L2_CID_STATELESS_MPEG2_SEQUENCE, c.sequence, true),
          value(V4L2_CID_STATELESS_MPEG2_PICTURE, c.picture, false),
          value(V4L2_CID_STATELESS_MPEG2_QUANTISATION, c.quantisation, false, true)};
}
std::vector<Value> values_of(const clients::HevcControls& c) {
  std::vector<Value> values = {value(V4L2_CID_STATELESS_HEVC_SPS, c.sps, true),
                               value(V4L2_CID_STATELESS_HEVC_PPS, c.pps, false),
                               value(V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, c.decode, false)};
  if (c.sps.flags & V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED) {
    values.push_back(value(V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, c.scaling_matrix, false, true));
  }
  return values;
}

std::vector<Value> values_of(const clients::Av1Controls& c) {
  const auto tiles = static_cast<uint32_t>(c.tiles.size() * sizeof(v4l2_ctrl_av1_tile_group_entry));
  return {value(V4L2_CID_STATELESS_AV1_SEQUENCE, c.sequence, true),
          value(V4L2_CID_STATELESS_AV1_FRAME, c.frame, false),
          {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, c.tiles.data(), tiles, false, false},
          value(V4L2_CID_STATELESS_AV1_FILM_GRAIN, c.film_grain, false, true)};
}

void add_slice(const clients::H264SliceControls& slice, std::vector<Value>* values) {
  values->push_back(value(V4L2_CID_STATELESS_H264_SLICE_PARAMS, slice.slice, false));
  if (slice.weighted)
    values->push_back(value(V4L2_CID_STATELESS_H264_PRED_WEIGHTS, slice.weights, false, true));
}

// The dynamic arrays of HEVC, of as many slices as the node takes.
struct HevcArrays {
  std::vector<v4l2_ctrl_hevc_slice_params> slices;
  std::vector<uint32_t> entry_points;

  void add(const clients::HevcSliceControls& slice, size_t most_slices, size_t most_entry_points) {
    if (slices.size() < most_slices) slices.push_back(slice.slice);
    const size_t room = most_entry_points - std::min(most_entry_points, entry_points.size());
    const auto& offsets = slice.entry_point_offsets;
    entry_points.insert(entry_points.end(), offsets.begin(),
                        offsets.begin() + static_cast<ptrdiff_t>(std::min(room, offsets.size())));
  }
  void append_to(std::vector<Value>* values) const {
    const auto append = [&](uint32_t id, const auto& array) {
      if (array.empty()) return;
      const auto size = static_cast<uint32_t>(array.size() * sizeof array.front());
      values->push_back({id, array.data(), size, true, false});
    };
    append(V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, slices);
    append(V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS, entry_points);
  }
};

clients::Controls empty_controls(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return clients::H264Controls{};
    case core::Codec::kVp9:
      return clients::Vp9Controls{};
    case core::Codec::kVp8:
      return clients::Vp8Controls{};
    case core::Codec::kMpeg2:
      return clients::Mpeg2Controls{};
    case core::Codec::kHevc:
      return clients::HevcControls{};
    case core::Codec::kAv1:
      return clients::Av1Controls{};
  }
  return {};
}

}  // namespace

uint32_t coded_fourcc(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return V4L2_PIX_FMT_H264_SLICE;
    case core::Codec::kVp9:
      return V4L2_PIX_FMT_VP9_FRAME;
    case core::Codec::kVp8:
      return V4L2_PIX_FMT_VP8_FRAME;
    case core::Codec::kMpeg2:
      return V4L2_PIX_FMT_MPEG2_SLICE;
    case core::Codec::kHevc:
      return V4L2_PIX_FMT_HEVC_SLICE;
    case core::Codec::kAv1:
      return V4L2_PIX_FMT_AV1_FRAME;
  }
  return 0;
}

uint32_t RequestControls::capacity(uint32_t id) const {
  v4l2_query_ext_ctrl query{};
  query.id = id;
  if (calls_->ioctl(video_, VIDIOC_QUERY_EXT_CTRL, &query) != 0) return 0;
  return query.flags & V4L2_CTRL_FLAG_DYNAMIC_ARRAY ? query.dims[0] : query.elems;
}

Result<RequestControls> RequestControls::query(SystemCalls& calls, int video, core::Codec codec,
                                               const NalModes& modes) {
  RequestControls controls(calls, video, coded_fourcc(codec));
  const clients::Controls none = empty_controls(codec);
  for (const Value& v : std::visit([](const auto& c) { return values_of(c); }, none)) {
    if (controls.has(v.id)) continue;
    if (!v.optional)
      return Error{ErrorCode::kUnsupported, "the node lacks control " + std::to_string(v.id)};
    controls.absent_.insert(v.id);
  }
  if (codec == core::Codec::kH264 || codec == core::Codec::kHevc) {
    if (Status status = controls.choose_modes(codec, modes); !status) return status.error();
  }
  return controls;
}

Status RequestControls::choose_modes(core::Codec codec, const NalModes& modes) {
  const bool hevc = codec == core::Codec::kHevc;
  // `first` or its opposite, unless one of them is asked for.
  const auto choose = [this](uint32_t id, std::optional<bool> asked, bool first, bool* chosen) {
    for (const bool wanted : {asked.value_or(first), asked.value_or(!first)}) {
      v4l2_control control{id, wanted};
      *chosen = wanted;
      if (calls_->ioctl(video_, VIDIOC_S_CTRL, &control) == 0) return true;
    }
    return false;
  };
  static_assert(V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED == 1);
  static_assert(V4L2_STATELESS_H264_START_CODE_ANNEX_B == 1);
  static_assert(V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED == 1);
  static_assert(V4L2_STATELESS_HEVC_START_CODE_ANNEX_B == 1);
  bool frame_based = true;
  std::optional<bool> wanted;
  if (modes.slice_based) wanted = !*modes.slice_based;
  const uint32_t mode =
      hevc ? V4L2_CID_STATELESS_HEVC_DECODE_MODE : V4L2_CID_STATELESS_H264_DECODE_MODE;
  const uint32_t start_code =
      hevc ? V4L2_CID_STATELESS_HEVC_START_CODE : V4L2_CID_STATELESS_H264_START_CODE;
  if (!choose(mode, wanted, true, &frame_based) ||
      !choose(start_code, modes.start_codes, true, &start_codes_))
    return Error{ErrorCode::kUnsupported, "the node takes NAL units in another manner"};
  slice_based_ = !frame_based;
  slice_capacity_ =
      capacity(hevc ? V4L2_CID_STATELESS_HEVC_SLICE_PARAMS : V4L2_CID_STATELESS_H264_SLICE_PARAMS);
  if (slice_based_ && slice_capacity_ == 0)
    return Error{ErrorCode::kUnsupported, "the node lacks slice parameters"};
  if (hevc) entry_point_capacity_ = capacity(V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS);
  for (const uint32_t id :
       {V4L2_CID_STATELESS_H264_SCALING_MATRIX, V4L2_CID_STATELESS_H264_PRED_WEIGHTS,
        V4L2_CID_STATELESS_HEVC_SCALING_MATRIX}) {
    if (!has(id)) absent_.insert(id);
  }
  return {};
}

Status RequestControls::set(const clients::Controls& controls,
                            std::span<const clients::SliceControls> slices, int request) const {
  std::vector<Value> values = std::visit([](const auto& c) { return values_of(c); }, controls);
  HevcArrays arrays;
  for (const clients::SliceControls& slice : slices) {
    if (const auto* h264 = std::get_if<clients::H264SliceControls>(&slice)) {
      if (slice_based_) add_slice(*h264, &values);
    } else {
      arrays.add(std::get<clients::HevcSliceControls>(slice), slice_capacity_,
                 entry_point_capacity_);
    }
  }
  arrays.append_to(&values);
  std::vector<v4l2_ext_control> array;
  for (const Value& v : values) {
    if (absent_.contains(v.id) || (request < 0 && !v.of_sequence)) continue;
    v4l2_ext_control control{};
    control.id = v.id;
    control.size = v.size;
    control.ptr = const_cast<void*>(v.data);  // S_EXT_CTRLS only reads it
    array.push_back(control);
  }
  if (array.empty()) return {};
  v4l2_ext_controls all{};
  all.which = request < 0 ? V4L2_CTRL_WHICH_CUR_VAL : V4L2_CTRL_WHICH_REQUEST_VAL;
  all.count = static_cast<uint32_t>(array.size());
  all.request_fd = request < 0 ? 0 : request;
  all.controls = array.data();
  if (calls_->ioctl(video_, VIDIOC_S_EXT_CTRLS, &all) == 0) return {};
  const uint32_t at = all.error_idx;
  return system_error("S_EXT_CTRLS, control " +
                      (at < array.size() ? std::to_string(array[at].id) : std::string("unknown")));
}

}  // namespace daedalus::v4l2_client
