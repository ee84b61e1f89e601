#include "test/clients/v4l2/decoder_node.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "decode_core/uapi/controls.h"
#include "decode_core/uapi/media.h"

namespace daedalus::v4l2_client {
namespace {

bool takes_format(SystemCalls& calls, int fd, uint32_t fourcc) {
  v4l2_fmtdesc description{};
  description.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  while (calls.ioctl(fd, VIDIOC_ENUM_FMT, &description) == 0) {
    if (description.pixelformat == fourcc) return true;
    ++description.index;
  }
  return false;
}

// REQBUFS with a count of 0 says what the queue can do and changes nothing.
bool takes_requests(SystemCalls& calls, int fd) {
  v4l2_requestbuffers buffers{};
  buffers.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  buffers.memory = V4L2_MEMORY_MMAP;
  return calls.ioctl(fd, VIDIOC_REQBUFS, &buffers) == 0 &&
         (buffers.capabilities & V4L2_BUF_CAP_SUPPORTS_REQUESTS) != 0;
}

bool is_decoder(SystemCalls& calls, int fd, uint32_t fourcc) {
  v4l2_capability capability{};
  if (calls.ioctl(fd, VIDIOC_QUERYCAP, &capability) != 0) return false;
  const uint32_t has = capability.capabilities & V4L2_CAP_DEVICE_CAPS ? capability.device_caps
                                                                      : capability.capabilities;
  return (has & V4L2_CAP_VIDEO_M2M_MPLANE) && (has & V4L2_CAP_STREAMING) &&
         takes_format(calls, fd, fourcc);
}

bool has_interface(SystemCalls& calls, int fd, const SystemCalls::Node& node) {
  media_v2_topology topology{};
  if (calls.ioctl(fd, MEDIA_IOC_G_TOPOLOGY, &topology) != 0) return false;
  std::vector<media_v2_interface> interfaces(topology.num_interfaces);
  media_v2_topology again{};
  again.num_interfaces = topology.num_interfaces;
  again.ptr_interfaces = reinterpret_cast<uintptr_t>(interfaces.data());
  if (calls.ioctl(fd, MEDIA_IOC_G_TOPOLOGY, &again) != 0) return false;
  return std::ranges::any_of(interfaces, [&](const media_v2_interface& interface) {
    return interface.intf_type == MEDIA_INTF_T_V4L_VIDEO && interface.devnode.major == node.major &&
           interface.devnode.minor == node.minor;
  });
}

}  // namespace

int Descriptor::release() { return std::exchange(fd_, -1); }

void Descriptor::reset() {
  if (fd_ >= 0) calls_->close(release());
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  reset();
  calls_ = other.calls_;
  fd_ = other.release();
  return *this;
}

Result<DecoderNode> find_decoder_node(SystemCalls& calls, uint32_t coded_fourcc,
                                      const std::string& video_path,
                                      const std::string& media_path) {
  std::string seen;
  for (const SystemCalls::Node& video : calls.nodes("video")) {
    if (!video_path.empty() && video.path != video_path) continue;
    seen += " " + video.path;
    DecoderNode found{{calls, calls.open(video.path)}, {}, video.path, ""};
    if (!found.video.valid() || !is_decoder(calls, found.video.get(), coded_fourcc) ||
        !takes_requests(calls, found.video.get()))
      continue;
    for (const SystemCalls::Node& media : calls.nodes("media")) {
      if (!media_path.empty() && media.path != media_path) continue;
      found.media = {calls, calls.open(media.path)};
      found.media_path = media.path;
      if (found.media.valid() && has_interface(calls, found.media.get(), video)) return found;
    }
    seen += " (a decoder, but no media device belongs to it)";
  }
  return Error{ErrorCode::kNotFound, "no stateless decoder for this stream among" +
                                         (seen.empty() ? " no video nodes" : seen)};
}

Result<DecoderNode> find_stateful_node(SystemCalls& calls, uint32_t coded_fourcc,
                                       const std::string& video_path) {
  std::string seen;
  for (const SystemCalls::Node& video : calls.nodes("video")) {
    if (!video_path.empty() && video.path != video_path) continue;
    seen += " " + video.path;
    DecoderNode found{{calls, calls.open(video.path)}, {}, video.path, ""};
    if (found.video.valid() && is_decoder(calls, found.video.get(), coded_fourcc)) return found;
  }
  return Error{ErrorCode::kNotFound, "no stateful decoder for this stream among" +
                                         (seen.empty() ? " no video nodes" : seen)};
}

}  // namespace daedalus::v4l2_client
