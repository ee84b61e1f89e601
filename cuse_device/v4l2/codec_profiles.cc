#include "cuse_device/v4l2/codec_profiles.h"

#include <algorithm>

namespace daedalus::v4l2 {
namespace {

constexpr const char* kH264Profiles[] = {"Baseline", "Constrained Baseline", "Main", "Extended",
                                         "High"};
constexpr const char* kH264Levels[] = {"1",   "1b",  "1.1", "1.2", "1.3", "2",   "2.1",
                                       "2.2", "3",   "3.1", "3.2", "4",   "4.1", "4.2",
                                       "5",   "5.1", "5.2", "6",   "6.1", "6.2"};
constexpr const char* kHevcProfiles[] = {"Main", "Main Still Picture", "Main 10"};
constexpr const char* kHevcLevels[] = {"1", "2",   "2.1", "3", "3.1", "4",  "4.1",
                                       "5", "5.1", "5.2", "6", "6.1", "6.2"};
constexpr const char* kAv1Profiles[] = {"Main"};
constexpr const char* kAv1Levels[] = {"2.0", "2.1", "2.2", "2.3", "3.0", "3.1", "3.2", "3.3",
                                      "4.0", "4.1", "4.2", "4.3", "5.0", "5.1", "5.2", "5.3",
                                      "6.0", "6.1", "6.2", "6.3", "7.0", "7.1", "7.2", "7.3"};
constexpr const char* kVpxProfiles[] = {"0", "1", "2", "3"};
constexpr const char* kMpeg2Profiles[] = {"Simple", "Main"};
constexpr const char* kMpeg2Levels[] = {"Low", "Main", "High-1440", "High"};

bool has_profile(std::span<const core::ProfileCapability> capabilities, core::Profile profile) {
  return std::any_of(capabilities.begin(), capabilities.end(),
                     [&](const core::ProfileCapability& c) { return c.profile == profile; });
}

// A menu of all items but the skipped; the default is the last that is there.
void add_menu(uint32_t id, const char* name, std::span<const char* const> items, uint64_t skipped,
              ControlHandler* controls) {
  ControlInfo menu;
  menu.id = id;
  menu.type = V4L2_CTRL_TYPE_MENU;
  menu.name = name;
  menu.menu = items;
  menu.skipped_items = skipped;
  while (skipped >> menu.minimum & 1) ++menu.minimum;
  menu.maximum = static_cast<int64_t>(items.size()) - 1;
  while (skipped >> menu.maximum & 1) --menu.maximum;
  menu.default_value = menu.maximum;
  controls->add(menu);
}

}  // namespace

bool has_codec(std::span<const core::ProfileCapability> capabilities, core::Codec codec) {
  return std::any_of(capabilities.begin(), capabilities.end(), [&](const auto& capability) {
    return core::codec_of(capability.profile) == codec;
  });
}

bool has_bit_depth(std::span<const core::ProfileCapability> capabilities, core::Codec codec,
                   int bit_depth) {
  return std::any_of(capabilities.begin(), capabilities.end(), [&](const auto& capability) {
    return core::codec_of(capability.profile) == codec && capability.bit_depth == bit_depth;
  });
}

void add_profile_controls(std::span<const core::ProfileCapability> capabilities,
                          ControlHandler* controls) {
  if (has_codec(capabilities, core::Codec::kH264)) {
    constexpr uint64_t kWithoutExtended = 1u << V4L2_MPEG_VIDEO_H264_PROFILE_EXTENDED;
    add_menu(V4L2_CID_MPEG_VIDEO_H264_PROFILE, "H264 Profile", kH264Profiles, kWithoutExtended,
             controls);
    add_menu(V4L2_CID_MPEG_VIDEO_H264_LEVEL, "H264 Level", kH264Levels, 0, controls);
  }
  if (has_codec(capabilities, core::Codec::kHevc)) {
    add_menu(V4L2_CID_MPEG_VIDEO_HEVC_PROFILE, "HEVC Profile", kHevcProfiles, 0, controls);
    add_menu(V4L2_CID_MPEG_VIDEO_HEVC_LEVEL, "HEVC Level", kHevcLevels, 0, controls);
  }
  if (has_codec(capabilities, core::Codec::kAv1)) {
    add_menu(V4L2_CID_MPEG_VIDEO_AV1_PROFILE, "AV1 Profile", kAv1Profiles, 0, controls);
    add_menu(V4L2_CID_MPEG_VIDEO_AV1_LEVEL, "AV1 Level", kAv1Levels, 0, controls);
  }
  if (has_codec(capabilities, core::Codec::kVp8)) {
    add_menu(V4L2_CID_MPEG_VIDEO_VP8_PROFILE, "VP8 Profile", kVpxProfiles, 0, controls);
  }
  if (has_codec(capabilities, core::Codec::kVp9)) {
    uint64_t skipped = 1u << V4L2_MPEG_VIDEO_VP9_PROFILE_1 | 1u << V4L2_MPEG_VIDEO_VP9_PROFILE_3;
    if (!has_profile(capabilities, core::Profile::kVp9Profile2)) {
      skipped |= 1u << V4L2_MPEG_VIDEO_VP9_PROFILE_2;
    }
    add_menu(V4L2_CID_MPEG_VIDEO_VP9_PROFILE, "VP9 Profile", kVpxProfiles, skipped, controls);
  }
  if (has_codec(capabilities, core::Codec::kMpeg2)) {
    add_menu(V4L2_CID_MPEG_VIDEO_MPEG2_PROFILE, "MPEG2 Profile", kMpeg2Profiles, 0, controls);
    add_menu(V4L2_CID_MPEG_VIDEO_MPEG2_LEVEL, "MPEG2 Level", kMpeg2Levels, 0, controls);
  }
}

}  // namespace daedalus::v4l2
