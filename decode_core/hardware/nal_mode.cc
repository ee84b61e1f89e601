#include "decode_core/hardware/nal_mode.h"

#include <string>

namespace daedalus::core {
namespace {

// The elements that a control takes in one request; 0: there is none. A dynamic array says how many
// it has by `elems` and how many it may have by its dimension.
uint32_t capacity(const VideoNode& node, uint32_t id) {
  const auto query = node.query_control(id);
  if (!query) return 0;
  return (query->flags & V4L2_CTRL_FLAG_DYNAMIC_ARRAY) != 0 ? query->dims[0] : query->elems;
}

}  // namespace

Result<NalMode> query_nal_mode(const VideoNode& node, Codec codec, const NalControls& controls) {
  NalMode mode;
  if (!node.has_menu_item(controls.decode_mode, kFrameBased)) {
    if (!node.has_menu_item(controls.decode_mode, kSliceBased)) {
      return Error{ErrorCode::kUnsupported, "it has no decode mode"};
    }
    mode.slice_based = true;
  }
  mode.annex_b = node.has_menu_item(controls.start_code, kAnnexB);
  // Of H.264 the slice parameters "shall not be set" in frame-based mode; of HEVC some drivers want
  // them there too (rpi-hevc-dec, rkvdec), and those that do not lack the control (hantro).
  if (mode.slice_based || codec == Codec::kHevc) {
    mode.most_slices = capacity(node, controls.slice_parameters);
  }
  if (mode.slice_based && mode.most_slices == 0) {
    return Error{ErrorCode::kUnsupported,
                 "it lacks control " + std::to_string(controls.slice_parameters)};
  }
  if (mode.most_slices != 0 && controls.entry_points) {
    mode.most_entry_points = capacity(node, *controls.entry_points);
  }
  return mode;
}

Status set_nal_mode(VideoNode& node, const NalControls& controls, const NalMode& mode) {
  const uint32_t decode_mode = mode.slice_based ? kSliceBased : kFrameBased;
  if (Status status = node.set_menu(controls.decode_mode, decode_mode); !status) return status;
  return node.set_menu(controls.start_code, mode.annex_b ? kAnnexB : kNoStartCode);
}

}  // namespace daedalus::core
