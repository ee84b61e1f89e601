// Which nodes are taken for hardware, and what they are found to decode.
#include "decode_core/hardware/discovery.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/device_capabilities.h"
#include "decode_core/hardware/hardware_backend.h"
#include "decode_core/uapi/controls.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/decode_core/hardware/slice_device.h"

namespace daedalus::core::test {
namespace {

DiscoveryOptions own_nodes(const std::string& path = "") {
  DiscoveryOptions options;
  options.own_nodes = true;
  options.path = path;
  return options;
}

DeviceCapabilities ask(OwnDevice& device) {
  const Discovery found = discover_decoders(device, own_nodes());
  REQUIRE(found.decoders.size() == 2);
  auto capabilities = query_capabilities(device, found.decoders[1], true);
  REQUIRE(capabilities.ok());
  return std::move(*capabilities);
}

bool decodes(const DeviceCapabilities& device, Profile profile, int bit_depth = 8) {
  return std::ranges::any_of(device.profiles, [&](const ProfileCapability& c) {
    return c.profile == profile && c.bit_depth == bit_depth;
  });
}

std::string refusal(const DeviceCapabilities& device, Codec codec) {
  for (const auto& refusal : device.refusals) {
    if (refusal.codec == codec) return refusal.reason;
  }
  return "";
}

}  // namespace

TEST_CASE("each decoder of a media device is found with its video node") {
  OwnDevice device;
  const Discovery found = discover_decoders(device, own_nodes());
  REQUIRE(found.decoders.size() == 2);
  CHECK(found.decoders[0].media_path == "/dev/media0");
  CHECK(found.decoders[0].video_path == "/dev/video10");
  CHECK(found.decoders[1].video_path == "/dev/video11");
  CHECK(found.decoders[1].driver == "daedalus");
  CHECK(found.passed_over.empty());
  CHECK(device.open_files() == 0);
}

TEST_CASE("the device that is asked for is the only one taken, by either of its nodes") {
  OwnDevice device;
  const auto one = discover_decoders(device, own_nodes("/dev/video11"));
  REQUIRE(one.decoders.size() == 1);
  CHECK(one.decoders[0].video_path == "/dev/video11");
  CHECK(discover_decoders(device, own_nodes("/dev/media0")).decoders.size() == 2);
  const auto none = discover_decoders(device, own_nodes("/dev/media7"));
  CHECK(none.decoders.empty());
  REQUIRE(none.passed_over.size() == 1);
  CHECK(none.passed_over[0].reason == "not the one asked for");
}

TEST_CASE("our own nodes are not hardware, and those of programs are not even opened") {
  OwnDevice device;
  const Discovery ours = discover_decoders(device, {});
  CHECK(ours.decoders.empty());
  REQUIRE(ours.passed_over.size() == 1);
  CHECK(ours.passed_over[0].reason == "it is Daedalus itself");
  // The second guard: a media device that does not say whose it is.
  const auto found = discover_decoders(device, own_nodes()).decoders;
  const auto asked = query_capabilities(device, found[1], false);
  REQUIRE_FALSE(asked.ok());
  CHECK(asked.error().code == ErrorCode::kUnsupported);

  device.set_user_space(true);
  int calls = 0;
  device.set_fault([&](uint32_t, void*) { return ++calls, 0; });
  const Discovery served = discover_decoders(device, {});
  CHECK(served.decoders.empty());
  CHECK(calls == 0);
}

TEST_CASE(
    "with nothing but our own nodes, software decodes where hardware is preferred, and hardware "
    "decodes nothing") {
  OwnDevice device;
  const auto automatic = make_hardware_core(device, "prefer-hardware");
  const auto software = make_hardware_core(device, "software");
  REQUIRE(automatic->capabilities().size() == software->capabilities().size());
  const auto session = automatic->open_session({Profile::kH264High, 64, 64, "replay"});
  REQUIRE(session.ok());
  CHECK((*session)->engine() == "native");
  const auto hardware = make_hardware_core(device, "hardware");
  CHECK(hardware->capabilities().empty());
  CHECK_FALSE(hardware->open_session({Profile::kH264High, 64, 64, "replay"}).ok());
}

TEST_CASE("without a wish, software decodes whatever devices there are") {
  OwnDevice device;
  device.set_driver("test-vpu");
  const SessionConfig config{Profile::kH264High, 64, 64, "replay"};
  const auto session = make_hardware_core(device, "auto")->open_session(config);
  REQUIRE(session.ok());
  CHECK((*session)->engine() == "native");
  const auto preferred = make_hardware_core(device, "prefer-hardware")->open_session(config);
  REQUIRE(preferred.ok());
  CHECK((*preferred)->engine() == "test-vpu");
}

TEST_CASE("a topology that lies is passed over") {
  OwnDevice device;
  device.set_fault([](uint32_t request, void* argument) {
    if (request != MEDIA_IOC_G_TOPOLOGY) return 0;
    auto& topology = *static_cast<media_v2_topology*>(argument);
    if (topology.ptr_entities != 0) return 0;
    topology.num_entities = 0xffffffff;
    return ENOSPC;
  });
  const Discovery found = discover_decoders(device, own_nodes());
  CHECK(found.decoders.empty());
  REQUIRE(found.passed_over.size() == 1);
  CHECK(found.passed_over[0].reason == "its topology cannot be read");
}

TEST_CASE("the device says which codecs, profiles, depths and sizes it takes") {
  OwnDevice device;
  const DeviceCapabilities found = ask(device);
  CHECK(found.driver == "daedalus");
  CHECK(decodes(found, Profile::kH264ConstrainedBaseline));
  CHECK(decodes(found, Profile::kH264High));
  CHECK(decodes(found, Profile::kVp8));
  CHECK(decodes(found, Profile::kMpeg2Main));
  CHECK(decodes(found, Profile::kHevcMain));
  CHECK(decodes(found, Profile::kHevcMain10, 10));
  CHECK_FALSE(decodes(found, Profile::kHevcMain10, 8));
  CHECK(decodes(found, Profile::kAv1Main, 8));
  CHECK(decodes(found, Profile::kAv1Main, 10));
  for (const ProfileCapability& capability : found.profiles) {
    CHECK(capability.min_width == 1);
    CHECK(capability.max_width == kMaxDimension);
  }
}

TEST_CASE("of several devices the one for the largest pictures decodes") {
  const auto device_of = [](const char* driver, Profile profile, uint32_t width) {
    HardwareDevice device;
    device.capabilities.driver = driver;
    device.capabilities.profiles.push_back({profile, 16, 16, width, 1088, 8});
    return device;
  };
  OwnDevice calls;
  PassingMemory memory;
  const auto backend = create_hardware_backend(
      calls,
      {device_of("old", Profile::kH264High, 1920), device_of("young", Profile::kH264High, 4096),
       device_of("twin", Profile::kH264High, 4096), device_of("other", Profile::kVp8, 64)},
      memory, {});
  CHECK(backend->engine_of(Codec::kH264) == "young");
  CHECK(backend->engine_of(Codec::kVp8) == "other");
  CHECK(backend->engine_of(Codec::kAv1) == "none");
  const auto refused = backend->create_decoder({Profile::kH264High, 4097, 1088, "replay"});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a codec whose controls, modes, depths or profiles do not fit is refused with a reason") {
  OwnDevice device;
  const auto lacks = [&](uint32_t ioctl, uint32_t id) {
    device.set_fault([=](uint32_t request, void* argument) {
      // The id is the first word of each of these structures.
      uint32_t asked = 0;
      if (request != ioctl) return 0;
      std::memcpy(&asked, argument, sizeof asked);
      return asked == id ? EINVAL : 0;
    });
    return ask(device);
  };
  const auto no_control = lacks(VIDIOC_QUERY_EXT_CTRL, V4L2_CID_STATELESS_H264_DECODE_PARAMS);
  CHECK(refusal(no_control, Codec::kH264).starts_with("it lacks control"));
  CHECK_FALSE(decodes(no_control, Profile::kH264High));
  CHECK(decodes(no_control, Profile::kVp8));
  const auto no_mode = lacks(VIDIOC_QUERYMENU, V4L2_CID_STATELESS_HEVC_DECODE_MODE);
  CHECK(refusal(no_mode, Codec::kHevc) == "it has no decode mode");
  const auto no_profile = lacks(VIDIOC_QUERYMENU, V4L2_CID_MPEG_VIDEO_MPEG2_PROFILE);
  CHECK(refusal(no_profile, Codec::kMpeg2) == "it names no profile that is supported");
  // A driver without the menu decodes every profile.
  CHECK(decodes(lacks(VIDIOC_QUERY_EXT_CTRL, V4L2_CID_MPEG_VIDEO_MPEG2_PROFILE),
                Profile::kMpeg2Main));
  device.set_fault([](uint32_t request, void* argument) {
    const bool capture = request == VIDIOC_ENUM_FMT && static_cast<v4l2_fmtdesc*>(argument)->type ==
                                                           V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    return capture ? EINVAL : 0;
  });
  const auto no_format = ask(device);
  CHECK(no_format.profiles.empty());
  CHECK(refusal(no_format, Codec::kVp8) == "its CAPTURE formats are none that can be read");
}

TEST_CASE("devices that take single slices are used if they can hold a picture back") {
  const auto asked = [](SliceDevice::Driver driver) {
    SliceDevice device(driver);
    const auto found = discover_decoders(device, own_nodes()).decoders;
    REQUIRE(found.size() == 2);
    auto capabilities = query_capabilities(device, found[1], true);
    REQUIRE(capabilities.ok());
    return *capabilities;
  };
  const std::vector<Codec> both = {Codec::kH264, Codec::kHevc};
  const DeviceCapabilities slices = asked({});
  CHECK(slices.slice_based == both);
  CHECK(decodes(slices, Profile::kH264High));
  CHECK(decodes(slices, Profile::kHevcMain10, 10));
  CHECK(asked({.frame_based = true}).slice_based.empty());
  const DeviceCapabilities single = asked({.holds = false});
  CHECK(refusal(single, Codec::kH264).find("cannot hold a picture back") != std::string::npos);
  CHECK(refusal(single, Codec::kHevc).find("cannot hold a picture back") != std::string::npos);
  CHECK(decodes(single, Profile::kVp8));
  // Several at once may be all of a picture.
  CHECK(decodes(asked({.holds = false, .most_slices = 600}), Profile::kHevcMain));
  CHECK(refusal(asked({.most_slices = 0}), Codec::kHevc).starts_with("it lacks control"));
}

TEST_CASE(
    "sizes that are not listed are asked for by TRY_FMT, and a session's size must be inside") {
  OwnDevice device;
  device.set_fault([](uint32_t request, void* argument) {
    if (request == VIDIOC_ENUM_FRAMESIZES) return ENOTTY;
    if (request == VIDIOC_TRY_FMT) {
      auto& pixels = static_cast<v4l2_format*>(argument)->fmt.pix_mp;
      pixels.width = std::clamp(pixels.width, 48u, 1920u);
      pixels.height = std::clamp(pixels.height, 48u, 1088u);
    }
    return 0;
  });
  const DeviceCapabilities found = ask(device);
  REQUIRE_FALSE(found.profiles.empty());
  const ProfileCapability& first = found.profiles.front();
  CHECK(first.min_width == 48);
  CHECK(first.min_height == 48);
  CHECK(first.max_width == 1920);
  CHECK(first.max_height == 1088);
  const auto session = [&](uint32_t width, uint32_t height) {
    return SessionConfig{first.profile, width, height, "replay"};
  };
  CHECK(covers(first, session(1920, 1088)));
  CHECK(covers(first, session(0, 0)));
  CHECK_FALSE(covers(first, session(1921, 1080)));
  CHECK_FALSE(covers(first, session(32, 64)));
}

}  // namespace daedalus::core::test
