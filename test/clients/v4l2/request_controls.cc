#include "test/clients/v4l2/request_controls.h"

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
    case core::Codec::kAv1:
      break;
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
    case core::Codec::kAv1:
      break;
  }
  return 0;
}

bool RequestControls::has(uint32_t id) const {
  v4l2_query_ext_ctrl query{};
  query.id = id;
  return calls_->ioctl(video_, VIDIOC_QUERY_EXT_CTRL, &query) == 0;
}

Result<RequestControls> RequestControls::query(SystemCalls& calls, int video, core::Codec codec,
                                               const H264Modes& modes) {
  RequestControls controls(calls, video, coded_fourcc(codec));
  const clients::Controls none = empty_controls(codec);
  for (const Value& v : std::visit([](const auto& c) { return values_of(c); }, none)) {
    if (controls.has(v.id)) continue;
    if (!v.optional)
      return Error{ErrorCode::kUnsupported, "the node lacks control " + std::to_string(v.id)};
    controls.absent_.insert(v.id);
  }
  if (codec == core::Codec::kH264) {
    if (!controls.has(V4L2_CID_STATELESS_H264_SCALING_MATRIX))
      controls.absent_.insert(V4L2_CID_STATELESS_H264_SCALING_MATRIX);
    if (Status status = controls.choose_h264_modes(modes); !status) return status.error();
  }
  return controls;
}

Status RequestControls::choose_h264_modes(const H264Modes& modes) {
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
  bool frame_based = true;
  std::optional<bool> wanted;
  if (modes.slice_based) wanted = !*modes.slice_based;
  if (!choose(V4L2_CID_STATELESS_H264_DECODE_MODE, wanted, true, &frame_based) ||
      !choose(V4L2_CID_STATELESS_H264_START_CODE, modes.start_codes, true, &start_codes_))
    return Error{ErrorCode::kUnsupported, "the node takes H.264 in another manner"};
  slice_based_ = !frame_based;
  if (slice_based_ && !has(V4L2_CID_STATELESS_H264_SLICE_PARAMS))
    return Error{ErrorCode::kUnsupported, "the node lacks slice parameters"};
  if (!has(V4L2_CID_STATELESS_H264_PRED_WEIGHTS))
    absent_.insert(V4L2_CID_STATELESS_H264_PRED_WEIGHTS);
  return {};
}

Status RequestControls::set(const clients::Controls& controls,
                            const clients::H264SliceControls* slice, int request) const {
  std::vector<v4l2_ext_control> array;
  std::vector<Value> values = std::visit([](const auto& c) { return values_of(c); }, controls);
  if (slice != nullptr) {
    values.push_back(value(V4L2_CID_STATELESS_H264_SLICE_PARAMS, slice->slice, false));
    if (slice->weighted)
      values.push_back(value(V4L2_CID_STATELESS_H264_PRED_WEIGHTS, slice->weights, false, true));
  }
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
