#include "decode_core/hardware/device_capabilities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "decode_core/hardware/capture_format.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/nal_mode.h"
#include "decode_core/hardware/request_content.h"
#include "decode_core/hardware/video_node.h"

namespace daedalus::core {
namespace {

// The profiles that hardware is asked for, and the depth of their pictures.
struct Candidate {
  Profile profile;
  int bit_depth;
};
constexpr std::array<Candidate, 12> kCandidates = {{
    {Profile::kH264ConstrainedBaseline, 8},
    {Profile::kH264Main, 8},
    {Profile::kH264High, 8},
    {Profile::kVp9Profile0, 8},
    {Profile::kVp9Profile2, 10},
    {Profile::kVp8, 8},
    {Profile::kMpeg2Simple, 8},
    {Profile::kMpeg2Main, 8},
    {Profile::kHevcMain, 8},
    {Profile::kHevcMain10, 10},
    {Profile::kAv1Main, 8},
    {Profile::kAv1Main, 10},
}};

// Of the pictures that depths are asked with.
constexpr uint32_t kProbeWidth = 640;
constexpr uint32_t kProbeHeight = 480;

class Questions {
 public:
  Questions(VideoNode& node, DeviceCapabilities& found) : node_(node), found_(found) {}

  void ask(const CodecInterface& interface) {
    NalMode mode;
    if (std::string reason = missing(interface, &mode); !reason.empty()) {
      found_.refusals.push_back({interface.codec, std::move(reason)});
      return;
    }
    const SizeRange sizes = sizes_of(interface.fourcc);
    if (sizes.max_width == 0 || sizes.max_height == 0) {
      found_.refusals.push_back({interface.codec, "it names no size of pictures"});
      return;
    }
    const bool depth_8 = has_depth(interface, 8);
    const bool depth_10 = has_depth(interface, 10);
    const bool has_profiles = node_.query_control(interface.profile_menu).has_value();
    size_t added = 0;
    for (const Candidate& candidate : kCandidates) {
      if (codec_of(candidate.profile) != interface.codec) continue;
      if (!(candidate.bit_depth == 8 ? depth_8 : depth_10)) continue;
      if (has_profiles && !has_profile(interface, candidate.profile)) continue;
      found_.profiles.push_back({candidate.profile, sizes.min_width, sizes.min_height,
                                 sizes.max_width, sizes.max_height, candidate.bit_depth});
      ++added;
    }
    if (added == 0) {
      found_.refusals.push_back(
          {interface.codec, depth_8 || depth_10 ? "it names no profile that is supported"
                                                : "its CAPTURE formats are none that can be read"});
    } else if (mode.slice_based) {
      found_.slice_based.push_back(interface.codec);
    }
  }

 private:
  // Why the codec cannot be used; empty: it can, in `mode` where it has NAL units.
  std::string missing(const CodecInterface& interface, NalMode* mode) {
    for (const uint32_t id : interface.controls) {
      if (!node_.query_control(id)) return "it lacks control " + std::to_string(id);
    }
    if (!interface.nal) return "";
    const auto offered = query_nal_mode(node_, interface.codec, *interface.nal);
    if (!offered) return offered.error().message;
    if (offered->slice_based && offered->most_slices == 1 && !can_hold(interface)) {
      return "it takes single slices only, and cannot hold a picture back for the next one";
    }
    *mode = *offered;
    return "";
  }

  // Drivers say so once OUTPUT has the codec's format (cedrus_video.c, rkvdec.c).
  bool can_hold(const CodecInterface& interface) {
    if (!node_.set_format(Queue::kOutput, interface.fourcc, kProbeWidth, kProbeHeight, 0)) {
      return false;
    }
    const auto buffers = node_.request_buffers(Queue::kOutput, 0);
    return buffers && (buffers->capabilities & V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF) != 0;
  }

  SizeRange sizes_of(uint32_t fourcc) const {
    SizeRange range;
    if (const auto listed = node_.frame_sizes(fourcc)) {
      range = *listed;
    } else {
      const auto least = node_.try_format(Queue::kOutput, fourcc, 1, 1, 0);
      const auto most = node_.try_format(Queue::kOutput, fourcc, kMaxDimension, kMaxDimension, 0);
      if (!least || !most) return {};
      range = {least->width, least->height, most->width, most->height};
    }
    range.max_width = std::min(range.max_width, kMaxDimension);
    range.max_height = std::min(range.max_height, kMaxDimension);
    return range;
  }

  bool has_depth(const CodecInterface& interface, int bit_depth) {
    const auto coded =
        node_.set_format(Queue::kOutput, interface.fourcc, kProbeWidth, kProbeHeight, 0);
    if (!coded || coded->fourcc != interface.fourcc) return false;
    const SequenceControl sequence(interface.codec, kProbeWidth, kProbeHeight, bit_depth);
    if (!node_.set_controls(sequence.values(), -1)) return false;
    return std::ranges::any_of(node_.formats(Queue::kCapture), [&](uint32_t fourcc) {
      return bit_depth_of_capture(fourcc) == bit_depth;
    });
  }

  bool has_profile(const CodecInterface& interface, Profile profile) const {
    return node_.has_menu_item(interface.profile_menu, profile_item(profile));
  }

  VideoNode& node_;
  DeviceCapabilities& found_;
};

}  // namespace

Result<DeviceCapabilities> query_capabilities(DeviceCalls& calls, const FoundDecoder& device,
                                              bool own_nodes) {
  auto node = VideoNode::open(calls, device.video_path);
  if (!node) return node.error();
  if (node->driver() == kOwnDriver && !own_nodes) {
    return Error{ErrorCode::kUnsupported, device.video_path + ": it is Daedalus itself"};
  }
  const auto buffers = node->request_buffers(Queue::kOutput, 0);
  if (!buffers) return buffers.error();
  if ((buffers->capabilities & V4L2_BUF_CAP_SUPPORTS_REQUESTS) == 0) {
    return Error{ErrorCode::kUnsupported, device.video_path + ": it takes no media requests"};
  }
  DeviceCapabilities found;
  found.driver = node->driver();
  Questions questions(*node, found);
  const std::vector<uint32_t> coded = node->formats(Queue::kOutput);
  for (const CodecInterface& interface : codec_interfaces()) {
    if (std::ranges::find(coded, interface.fourcc) != coded.end()) questions.ask(interface);
  }
  return found;
}

}  // namespace daedalus::core
