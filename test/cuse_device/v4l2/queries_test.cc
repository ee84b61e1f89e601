// QUERYCAP, formats, sizes, selection, priority: answers and errnos.
#include <cerrno>
#include <string>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {

TEST_CASE("QUERYCAP: a multi-planar mem2mem device") {
  const auto device = fake_device();
  CHECK(device->name() == "video10");
  CHECK(device->kind() == v4l2::NodeKind::kVideo);
  TestFile file(*device);
  v4l2_capability capability;
  std::memset(&capability, 0xff, sizeof capability);
  REQUIRE(file.ioctl(VIDIOC_QUERYCAP, capability) == 0);
  CHECK(std::string(reinterpret_cast<char*>(capability.driver)) == "daedalus");
  CHECK(std::string(reinterpret_cast<char*>(capability.bus_info)).rfind("platform:", 0) == 0);
  CHECK(capability.device_caps ==
        (V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_EXT_PIX_FORMAT | V4L2_CAP_STREAMING));
  CHECK(capability.capabilities == (capability.device_caps | V4L2_CAP_DEVICE_CAPS));
  CHECK(capability.reserved[0] == 0);
}

TEST_CASE("ioctls that the node does not have are ENOTTY, short arguments EFAULT") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_streamparm parameters{};
  CHECK(file.ioctl(VIDIOC_G_PARM, parameters) == ENOTTY);
  v4l2_input input{};
  CHECK(file.ioctl(VIDIOC_ENUMINPUT, input) == ENOTTY);
  uint32_t word = 0;
  CHECK(file.ioctl(_IOWR('V', 250, uint32_t), word) == ENOTTY);
  CHECK(file.ioctl(_IOWR('V', 0, uint32_t), word) == ENOTTY);  // QUERYCAP's number, another size
  CHECK(file.ioctl_bytes(VIDIOC_QUERYCAP, {}) == EFAULT);
}

TEST_CASE("ENUM_FMT lists coded formats, and the raw formats of the chosen one") {
  const bool av1 = GENERATE(false, true);
  const auto device = fake_device(2, av1);
  TestFile file(*device);
  const auto list = [&](uint32_t type) {
    std::vector<uint32_t> fourccs;
    v4l2_fmtdesc description{};
    for (description.type = type; file.ioctl(VIDIOC_ENUM_FMT, description) == 0;
         ++description.index) {
      CHECK(description.description[0] != 0);
      CHECK(((description.flags & V4L2_FMT_FLAG_COMPRESSED) != 0) == (type == kOutput));
      fourccs.push_back(description.pixelformat);
    }
    CHECK(file.ioctl(VIDIOC_ENUM_FMT, description) == EINVAL);
    return fourccs;
  };
  std::vector<uint32_t> coded{V4L2_PIX_FMT_H264, V4L2_PIX_FMT_HEVC, V4L2_PIX_FMT_VP8,
                              V4L2_PIX_FMT_VP9, V4L2_PIX_FMT_MPEG2};
  if (av1) coded.push_back(V4L2_PIX_FMT_AV1);
  CHECK(list(kOutput) == coded);
  const std::vector<uint32_t> shallow{V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12M};
  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_MPEG2) == 0);
  CHECK(list(kCapture) == shallow);
  for (const uint32_t with_10_bits : {V4L2_PIX_FMT_VP9, V4L2_PIX_FMT_HEVC, V4L2_PIX_FMT_AV1}) {
    if (with_10_bits == V4L2_PIX_FMT_AV1 && !av1) continue;
    REQUIRE(file.set_format(kOutput, with_10_bits) == 0);
    CHECK(list(kCapture).back() == V4L2_PIX_FMT_P010);
  }
  v4l2_fmtdesc description{};
  description.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  CHECK(file.ioctl(VIDIOC_ENUM_FMT, description) == EINVAL);
}

TEST_CASE("S_FMT: clamps, substitutes, keeps TRY_FMT's promise, and governs CAPTURE") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_format format{};
  format.type = kOutput;
  format.fmt.pix_mp.pixelformat = v4l2_fourcc('?', '?', '?', '?');
  format.fmt.pix_mp.width = 100000;
  format.fmt.pix_mp.height = 0;
  format.fmt.pix_mp.num_planes = 200;
  format.fmt.pix_mp.plane_fmt[0].sizeimage = 0xffffffff;
  v4l2_format tried = format;
  REQUIRE(file.ioctl(VIDIOC_TRY_FMT, tried) == 0);
  CHECK(file.format(kOutput).width != core::kMaxDimension);  // TRY changed nothing
  REQUIRE(file.ioctl(VIDIOC_S_FMT, format) == 0);
  CHECK(std::memcmp(&tried, &format, sizeof format) == 0);
  CHECK(format.fmt.pix_mp.pixelformat == V4L2_PIX_FMT_H264);
  CHECK(format.fmt.pix_mp.width == core::kMaxDimension);
  CHECK(format.fmt.pix_mp.height != 0);
  CHECK(format.fmt.pix_mp.num_planes == 1);
  CHECK(format.fmt.pix_mp.plane_fmt[0].sizeimage <= 32u << 20);
  CHECK(file.format(kCapture).width == core::kMaxDimension);

  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_VP8, 320, 240) == 0);
  REQUIRE(file.set_format(kCapture, V4L2_PIX_FMT_P010, 5, 5) == 0);  // VP8 has 8 bits
  const auto capture = file.format(kCapture);
  CHECK(capture.pixelformat == V4L2_PIX_FMT_NV12);
  CHECK(capture.width == 320);
  CHECK(capture.plane_fmt[0].bytesperline >= 320);
  CHECK(capture.plane_fmt[0].sizeimage >= 320 * 240 * 3 / 2);
  REQUIRE(file.set_format(kCapture, V4L2_PIX_FMT_NV12M) == 0);
  CHECK(file.format(kCapture).num_planes == 2);

  format.type = 77;
  CHECK(file.ioctl(VIDIOC_S_FMT, format) == EINVAL);
  CHECK(file.ioctl(VIDIOC_TRY_FMT, format) == EINVAL);
  CHECK(file.ioctl(VIDIOC_G_FMT, format) == EINVAL);
}

TEST_CASE("S_FMT while buffers exist is EBUSY") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.request_buffers(kCapture, 2) == 0);
  CHECK(file.set_format(kCapture, V4L2_PIX_FMT_NV12) == EBUSY);
  CHECK(file.set_format(kOutput, V4L2_PIX_FMT_VP9) == EBUSY);
  REQUIRE(file.request_buffers(kCapture, 0) == 0);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  CHECK(file.set_format(kOutput, V4L2_PIX_FMT_VP9) == EBUSY);
  CHECK(file.set_format(kCapture, V4L2_PIX_FMT_NV12M) == 0);
  REQUIRE(file.request_buffers(kOutput, 0) == 0);
  CHECK(file.set_format(kOutput, V4L2_PIX_FMT_VP9) == 0);
}

TEST_CASE("ENUM_FRAMESIZES: one range for every format that is offered") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_frmsizeenum sizes{};
  sizes.pixel_format = V4L2_PIX_FMT_VP9;
  REQUIRE(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == 0);
  CHECK(sizes.stepwise.max_width == core::kMaxDimension);
  sizes.index = 1;
  CHECK(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == EINVAL);
  sizes.index = 0;
  sizes.pixel_format = V4L2_PIX_FMT_HEVC;
  CHECK(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == 0);
  sizes.pixel_format = V4L2_PIX_FMT_NV12;
  CHECK(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == 0);
  sizes.pixel_format = V4L2_PIX_FMT_P010;  // not with H.264
  CHECK(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == EINVAL);
  sizes.pixel_format = V4L2_PIX_FMT_YUYV;
  CHECK(file.ioctl(VIDIOC_ENUM_FRAMESIZES, sizes) == EINVAL);
}

TEST_CASE("selection: fixed rectangles of CAPTURE, by either type") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_H264, 320, 180) == 0);
  v4l2_selection selection{};
  selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  selection.target = V4L2_SEL_TGT_CROP;
  selection.r = {5, 5, 9999, 1};
  REQUIRE(file.ioctl(VIDIOC_S_SELECTION, selection) == 0);
  CHECK(selection.type == V4L2_BUF_TYPE_VIDEO_CAPTURE);
  CHECK(selection.r.width == 320);
  CHECK(selection.r.height == 180);
  CHECK(selection.r.left == 0);
  selection.flags = V4L2_SEL_FLAG_LE;
  selection.r = {0, 0, 100, 100};
  CHECK(file.ioctl(VIDIOC_S_SELECTION, selection) == ERANGE);
  selection.target = V4L2_SEL_TGT_CROP_BOUNDS;
  CHECK(file.ioctl(VIDIOC_S_SELECTION, selection) == EINVAL);
  selection.target = 0x999;
  CHECK(file.ioctl(VIDIOC_G_SELECTION, selection) == EINVAL);
  selection.target = V4L2_SEL_TGT_CROP;
  selection.type = kOutput;
  CHECK(file.ioctl(VIDIOC_G_SELECTION, selection) == EINVAL);
  selection.type = 12345;
  CHECK(file.ioctl(VIDIOC_G_SELECTION, selection) == EINVAL);
}

TEST_CASE("the older ioctls of cropping say what selections say") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_H264, 320, 180) == 0);
  for (const uint32_t type : {uint32_t{V4L2_BUF_TYPE_VIDEO_CAPTURE}, kCapture}) {
    v4l2_cropcap capability{};
    capability.type = type;
    REQUIRE(file.ioctl(VIDIOC_CROPCAP, capability) == 0);
    CHECK(capability.type == type);
    CHECK(capability.bounds.width == 320);
    CHECK(capability.defrect.height == 180);
    CHECK(capability.pixelaspect.numerator == capability.pixelaspect.denominator);
    v4l2_crop crop{};
    crop.type = type;
    REQUIRE(file.ioctl(VIDIOC_G_CROP, crop) == 0);
    CHECK(crop.c.width == 320);
    crop.c = {5, 5, 9999, 1};
    CHECK(file.ioctl(VIDIOC_S_CROP, crop) == 0);
  }
  v4l2_cropcap capability{};
  capability.type = kOutput;
  CHECK(file.ioctl(VIDIOC_CROPCAP, capability) == EINVAL);
}

TEST_CASE("priority: a file with a higher one keeps others from changing the device") {
  const auto device = fake_device();
  TestFile one(*device);
  TestFile other(*device);
  uint32_t priority = 99;
  CHECK(one.ioctl(VIDIOC_S_PRIORITY, priority) == EINVAL);
  REQUIRE(one.ioctl(VIDIOC_G_PRIORITY, priority) == 0);
  CHECK(priority == V4L2_PRIORITY_DEFAULT);
  priority = V4L2_PRIORITY_RECORD;
  REQUIRE(one.ioctl(VIDIOC_S_PRIORITY, priority) == 0);
  CHECK(other.set_format(kOutput, V4L2_PIX_FMT_VP8) == EBUSY);
  CHECK(other.ioctl(VIDIOC_S_PRIORITY, priority) == EBUSY);
  REQUIRE(other.ioctl(VIDIOC_G_PRIORITY, priority) == 0);
  CHECK(priority == V4L2_PRIORITY_RECORD);
  CHECK(one.set_format(kOutput, V4L2_PIX_FMT_VP8) == 0);
  priority = V4L2_PRIORITY_BACKGROUND;
  REQUIRE(one.ioctl(VIDIOC_S_PRIORITY, priority) == 0);
  CHECK(other.set_format(kOutput, V4L2_PIX_FMT_VP8) == 0);
}

TEST_CASE("TRY_DECODER_CMD knows START and STOP and clears the rest") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_decoder_cmd command;
  std::memset(&command, 0xff, sizeof command);
  CHECK(file.ioctl(VIDIOC_TRY_DECODER_CMD, command) == EINVAL);
  CHECK(file.ioctl(VIDIOC_DECODER_CMD, command) == EINVAL);
  command.cmd = V4L2_DEC_CMD_STOP;
  REQUIRE(file.ioctl(VIDIOC_TRY_DECODER_CMD, command) == 0);
  CHECK(command.flags == 0);
  CHECK(command.stop.pts == 0);
  // Not streaming: accepted, without effect.
  CHECK(file.command(V4L2_DEC_CMD_STOP) == 0);
  CHECK(file.command(V4L2_DEC_CMD_STOP) == 0);
  CHECK(file.command(V4L2_DEC_CMD_START) == 0);
}

}  // namespace daedalus::test
