#include "cuse_device/v4l2/stateless_controls.h"

#include <cstring>

#include "cuse_device/v4l2/codec_profiles.h"
#include "decode_core/headers/hevc_scaling.h"
#include "decode_core/headers/mpeg2_headers.h"

namespace daedalus::v4l2 {
namespace {

constexpr const char* kDecodeModes[] = {"Slice-Based", "Frame-Based"};
constexpr const char* kStartCodes[] = {"No Start Code", "Annex B Start Code"};

template <typename T>
int validate_element(std::span<std::byte> element) {
  T value;
  std::memcpy(&value, element.data(), sizeof value);
  const int error = validate_control(value);
  std::memcpy(element.data(), &value, sizeof value);
  return error;
}

template <typename T>
ControlInfo structure(uint32_t id, uint32_t type, const char* name) {
  ControlInfo info;
  info.id = id;
  info.type = type;
  info.name = name;
  info.step = 0;
  info.element_size = sizeof(T);
  return info;
}

template <typename T>
ControlInfo checked(uint32_t id, uint32_t type, const char* name) {
  ControlInfo info = structure<T>(id, type, name);
  info.validate = &validate_element<T>;
  return info;
}

// What every value starts as; `make` runs once.
template <typename T, T (*make)()>
std::span<const std::byte> default_of() {
  static const T value = make();
  return std::as_bytes(std::span(&value, 1));
}

v4l2_ctrl_vp8_frame default_vp8_frame() {
  v4l2_ctrl_vp8_frame frame{};
  frame.num_dct_parts = 1;
  return frame;
}

v4l2_ctrl_vp9_frame default_vp9_frame() {
  v4l2_ctrl_vp9_frame frame{};
  frame.bit_depth = 8;
  frame.flags = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  return frame;
}

v4l2_ctrl_av1_sequence default_av1_sequence() {
  v4l2_ctrl_av1_sequence sequence{};
  sequence.bit_depth = 8;
  return sequence;
}

v4l2_ctrl_mpeg2_sequence default_mpeg2_sequence() {
  v4l2_ctrl_mpeg2_sequence sequence{};
  sequence.chroma_format = 1;
  return sequence;
}

v4l2_ctrl_mpeg2_picture default_mpeg2_picture() {
  v4l2_ctrl_mpeg2_picture picture{};
  picture.picture_structure = V4L2_MPEG2_PIC_TOP_FIELD;
  picture.picture_coding_type = V4L2_MPEG2_PIC_CODING_TYPE_I;
  return picture;
}

void add_menu(uint32_t id, const char* name, std::span<const char* const> items,
              int64_t default_value, ControlHandler* controls) {
  ControlInfo menu;
  menu.id = id;
  menu.type = V4L2_CTRL_TYPE_MENU;
  menu.name = name;
  menu.menu = items;
  menu.maximum = static_cast<int64_t>(items.size()) - 1;
  menu.default_value = default_value;
  controls->add(menu);
}

void add_h264(ControlHandler* controls) {
  add_menu(V4L2_CID_STATELESS_H264_DECODE_MODE, "H264 Decode Mode", kDecodeModes,
           V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED, controls);
  add_menu(V4L2_CID_STATELESS_H264_START_CODE, "H264 Start Code", kStartCodes,
           V4L2_STATELESS_H264_START_CODE_ANNEX_B, controls);
  controls->add(checked<v4l2_ctrl_h264_sps>(V4L2_CID_STATELESS_H264_SPS, V4L2_CTRL_TYPE_H264_SPS,
                                            "H264 Sequence Parameter Set"));
  controls->add(checked<v4l2_ctrl_h264_pps>(V4L2_CID_STATELESS_H264_PPS, V4L2_CTRL_TYPE_H264_PPS,
                                            "H264 Picture Parameter Set"));
  controls->add(structure<v4l2_ctrl_h264_scaling_matrix>(V4L2_CID_STATELESS_H264_SCALING_MATRIX,
                                                         V4L2_CTRL_TYPE_H264_SCALING_MATRIX,
                                                         "H264 Scaling Matrix"));
  // Slice-based clients send these with each slice; the slices' own headers say the same.
  controls->add(checked<v4l2_ctrl_h264_pred_weights>(V4L2_CID_STATELESS_H264_PRED_WEIGHTS,
                                                     V4L2_CTRL_TYPE_H264_PRED_WEIGHTS,
                                                     "H264 Prediction Weight Table"));
  controls->add(checked<v4l2_ctrl_h264_slice_params>(V4L2_CID_STATELESS_H264_SLICE_PARAMS,
                                                     V4L2_CTRL_TYPE_H264_SLICE_PARAMS,
                                                     "H264 Slice Parameters"));
  controls->add(checked<v4l2_ctrl_h264_decode_params>(V4L2_CID_STATELESS_H264_DECODE_PARAMS,
                                                      V4L2_CTRL_TYPE_H264_DECODE_PARAMS,
                                                      "H264 Decode Parameters"));
}

void add_vp8(ControlHandler* controls) {
  auto frame = checked<v4l2_ctrl_vp8_frame>(V4L2_CID_STATELESS_VP8_FRAME, V4L2_CTRL_TYPE_VP8_FRAME,
                                            "VP8 Frame Parameters");
  frame.default_element = default_of<v4l2_ctrl_vp8_frame, default_vp8_frame>();
  controls->add(frame);
}

void add_vp9(ControlHandler* controls) {
  auto frame = checked<v4l2_ctrl_vp9_frame>(V4L2_CID_STATELESS_VP9_FRAME, V4L2_CTRL_TYPE_VP9_FRAME,
                                            "VP9 Frame Decode Parameters");
  frame.default_element = default_of<v4l2_ctrl_vp9_frame, default_vp9_frame>();
  controls->add(frame);
  controls->add(checked<v4l2_ctrl_vp9_compressed_hdr>(V4L2_CID_STATELESS_VP9_COMPRESSED_HDR,
                                                      V4L2_CTRL_TYPE_VP9_COMPRESSED_HDR,
                                                      "VP9 Probabilities Updates"));
}

void add_mpeg2(ControlHandler* controls) {
  auto sequence = checked<v4l2_ctrl_mpeg2_sequence>(
      V4L2_CID_STATELESS_MPEG2_SEQUENCE, V4L2_CTRL_TYPE_MPEG2_SEQUENCE, "MPEG-2 Sequence Header");
  sequence.default_element = default_of<v4l2_ctrl_mpeg2_sequence, default_mpeg2_sequence>();
  controls->add(sequence);
  auto picture = checked<v4l2_ctrl_mpeg2_picture>(
      V4L2_CID_STATELESS_MPEG2_PICTURE, V4L2_CTRL_TYPE_MPEG2_PICTURE, "MPEG-2 Picture Header");
  picture.default_element = default_of<v4l2_ctrl_mpeg2_picture, default_mpeg2_picture>();
  controls->add(picture);
  auto matrices = structure<v4l2_ctrl_mpeg2_quantisation>(V4L2_CID_STATELESS_MPEG2_QUANTISATION,
                                                          V4L2_CTRL_TYPE_MPEG2_QUANTISATION,
                                                          "MPEG-2 Quantisation Matrices");
  matrices.default_element =
      default_of<v4l2_ctrl_mpeg2_quantisation, headers::mpeg2_default_quantisation>();
  controls->add(matrices);
}

// At most so many elements, one by default.
ControlInfo dynamic(ControlInfo info, uint32_t most) {
  info.flags = V4L2_CTRL_FLAG_DYNAMIC_ARRAY;
  info.dimensions = {most};
  return info;
}

void add_hevc(ControlHandler* controls) {
  add_menu(V4L2_CID_STATELESS_HEVC_DECODE_MODE, "HEVC Decode Mode", kDecodeModes,
           V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED, controls);
  add_menu(V4L2_CID_STATELESS_HEVC_START_CODE, "HEVC Start Code", kStartCodes,
           V4L2_STATELESS_HEVC_START_CODE_ANNEX_B, controls);
  controls->add(checked<v4l2_ctrl_hevc_sps>(V4L2_CID_STATELESS_HEVC_SPS, V4L2_CTRL_TYPE_HEVC_SPS,
                                            "HEVC Sequence Parameter Set"));
  controls->add(checked<v4l2_ctrl_hevc_pps>(V4L2_CID_STATELESS_HEVC_PPS, V4L2_CTRL_TYPE_HEVC_PPS,
                                            "HEVC Picture Parameter Set"));
  auto matrix = structure<v4l2_ctrl_hevc_scaling_matrix>(V4L2_CID_STATELESS_HEVC_SCALING_MATRIX,
                                                         V4L2_CTRL_TYPE_HEVC_SCALING_MATRIX,
                                                         "HEVC Scaling Matrix");
  matrix.default_element =
      default_of<v4l2_ctrl_hevc_scaling_matrix, headers::hevc_default_scaling_matrix>();
  controls->add(matrix);
  controls->add(checked<v4l2_ctrl_hevc_decode_params>(V4L2_CID_STATELESS_HEVC_DECODE_PARAMS,
                                                      V4L2_CTRL_TYPE_HEVC_DECODE_PARAMS,
                                                      "HEVC Decode Parameters"));
  // The slices' own headers say the same as these two.
  controls->add(dynamic(checked<v4l2_ctrl_hevc_slice_params>(V4L2_CID_STATELESS_HEVC_SLICE_PARAMS,
                                                             V4L2_CTRL_TYPE_HEVC_SLICE_PARAMS,
                                                             "HEVC Slice Parameters"),
                        kMaxHevcSliceParams));
  auto offsets = structure<uint32_t>(V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS,
                                     V4L2_CTRL_TYPE_U32, "HEVC Entry Point Offsets");
  offsets.maximum = UINT32_MAX;
  offsets.step = 1;
  controls->add(dynamic(offsets, kMaxHevcEntryPoints));
}

void add_av1(ControlHandler* controls) {
  auto sequence = checked<v4l2_ctrl_av1_sequence>(
      V4L2_CID_STATELESS_AV1_SEQUENCE, V4L2_CTRL_TYPE_AV1_SEQUENCE, "AV1 Sequence Parameters");
  sequence.default_element = default_of<v4l2_ctrl_av1_sequence, default_av1_sequence>();
  controls->add(sequence);
  controls->add(dynamic(structure<v4l2_ctrl_av1_tile_group_entry>(
                            V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY,
                            V4L2_CTRL_TYPE_AV1_TILE_GROUP_ENTRY, "AV1 Tile Group Entry"),
                        kMaxAv1Tiles));
  controls->add(checked<v4l2_ctrl_av1_frame>(V4L2_CID_STATELESS_AV1_FRAME, V4L2_CTRL_TYPE_AV1_FRAME,
                                             "AV1 Frame Parameters"));
  controls->add(checked<v4l2_ctrl_av1_film_grain>(V4L2_CID_STATELESS_AV1_FILM_GRAIN,
                                                  V4L2_CTRL_TYPE_AV1_FILM_GRAIN, "AV1 Film Grain"));
}

}  // namespace

void add_stateless_controls(std::span<const core::ProfileCapability> capabilities,
                            ControlHandler* controls) {
  if (has_codec(capabilities, core::Codec::kH264)) add_h264(controls);
  if (has_codec(capabilities, core::Codec::kVp8)) add_vp8(controls);
  if (has_codec(capabilities, core::Codec::kVp9)) add_vp9(controls);
  if (has_codec(capabilities, core::Codec::kMpeg2)) add_mpeg2(controls);
  if (has_codec(capabilities, core::Codec::kHevc)) add_hevc(controls);
  if (has_codec(capabilities, core::Codec::kAv1)) add_av1(controls);
  add_profile_controls(capabilities, controls);
}

}  // namespace daedalus::v4l2
