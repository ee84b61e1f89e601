#include "test/cuse_device/v4l2/ioctl_sequence.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cuse_device/v4l2/nodes.h"
#include "decode_core/uapi/media.h"
#include "test/cuse_device/v4l2/fake_core.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/hostile_parameters.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

class HostileClient {
 public:
  HostileClient(std::span<const uint8_t> bytes, v4l2::Device& device,
                const std::shared_ptr<TestClient>& client, TestFile* media, Family family)
      : choices_(bytes),
        stateless_(media != nullptr),
        family_(family),
        media_(media),
        file_(device, client) {
    file_.client().arena = arena_;
  }

  SequenceResult run() {
    if (stateless_ && choices_.byte() % 4 != 0) set_up();
    while (!choices_.empty() && result_.calls < 400) step();
    return result_;
  }

 private:
  void check(int error) {
    ++result_.calls;
    result_.successes += error == 0;
    switch (error) {
      case 0:
      case EINVAL:
      case EFAULT:
      case EBUSY:
      case EAGAIN:
      case ENOMEM:
      case ENOBUFS:
      case ENOTTY:
      case EPIPE:
      case EACCES:
      case ERANGE:
      case ENOSPC:
      case ENOENT:
      case EIO:
      case EPERM:
      case EBADR:
        return;
      default:
        std::abort();
    }
  }

  template <typename T>
  void call(uint32_t request, T argument) {
    check(file_.ioctl(request, argument));
  }

  uint32_t type() { return choices_.of({kOutput, kOutput, kCapture, kCapture, kCapture, 1}); }
  uint32_t memory() { return choices_.of({1, 1, 1, 1, 2, 4}); }
  uint32_t size() { return choices_.of({64, 48, 128, 16, 1, 0, 8192}); }
  // A pointer into the arena, rarely none of ours.
  void* pointer() {
    const uint32_t offset = choices_.of({0, 512, 1024, 4096 - 8, 1});
    if (offset >= arena_.size()) return offset % 2 ? nullptr : bad_pointer();
    return arena_.data() + offset;
  }
  // What the client's memory holds where pointers lead to.
  void scribble() {
    const uint32_t at = choices_.of({0, 64, 512, 1024});
    for (uint32_t i = 0; i < 64 && at + i < arena_.size(); ++i) {
      arena_[at + i] = std::byte{choices_.byte()};
    }
  }

  v4l2_buffer buffer() {
    v4l2_buffer buffer{};
    buffer.type = type();
    buffer.index = choices_.of({0, 1, 2, 3});
    buffer.memory = memory();
    buffer.length = choices_.of({8, 8, 1, 2, 0});
    buffer.flags = choices_.of({0, 0, 0, V4L2_BUF_FLAG_REQUEST_FD, V4L2_BUF_FLAG_LAST});
    if (stateless_ && buffer.type == kOutput && choices_.byte() % 4 != 0) {
      buffer.flags |= V4L2_BUF_FLAG_REQUEST_FD | choices_.of({0, 0, 0x200});
    }
    buffer.request_fd = request_fd();
    buffer.timestamp.tv_usec = static_cast<suseconds_t>(choices_.of({0, 1, 2, 3}));
    buffer.field = choices_.of({1, 1, 1, 7});
    buffer.m.planes = static_cast<v4l2_plane*>(pointer());
    if (choices_.byte() % 4 != 0) {
      v4l2_plane planes[2]{};
      for (v4l2_plane& plane : planes) {
        plane.bytesused = choices_.of({12, 12, 0, 1});
        plane.data_offset = choices_.of({0, 0, 0, 4});
        plane.length = choices_.of({0, 4096, 1 << 20, 1 << 22});
        plane.m.userptr = reinterpret_cast<uintptr_t>(pointer());
      }
      std::memcpy(arena_.data(), planes, sizeof planes);
      buffer.m.planes = reinterpret_cast<v4l2_plane*>(arena_.data());
    }
    return buffer;
  }

  v4l2_format format() {
    v4l2_format format{};
    format.type = type();
    format.fmt.pix_mp.pixelformat =
        choices_.of({V4L2_PIX_FMT_H264, V4L2_PIX_FMT_VP9, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_NV12M,
                     V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_P010, V4L2_PIX_FMT_H264_SLICE,
                     V4L2_PIX_FMT_VP8_FRAME, V4L2_PIX_FMT_VP9_FRAME, V4L2_PIX_FMT_MPEG2_SLICE});
    if (format.type == kOutput && family_ != Family::kOthers) {
      format.fmt.pix_mp.pixelformat = coded_format(family_, choices_);
    }
    format.fmt.pix_mp.width = size();
    format.fmt.pix_mp.height = size();
    format.fmt.pix_mp.num_planes = static_cast<uint8_t>(choices_.of({1, 2, 0, 9}));
    format.fmt.pix_mp.plane_fmt[0].sizeimage = choices_.of({0, 4096, 1 << 20, 1 << 23});
    format.fmt.pix_mp.plane_fmt[1].sizeimage = choices_.of({0, 4096, 1 << 20});
    format.fmt.pix_mp.colorspace = choices_.of({0, 1, 3});
    return format;
  }

  v4l2_ext_controls controls() {
    v4l2_ext_controls controls{};
    controls.which = choices_.of(
        {0, V4L2_CTRL_WHICH_DEF_VAL, V4L2_CTRL_WHICH_REQUEST_VAL, V4L2_CTRL_CLASS_CODEC});
    controls.request_fd = request_fd();
    controls.count = choices_.of({1, 2, 0, 1024, 1025});
    controls.controls = static_cast<v4l2_ext_control*>(pointer());
    v4l2_ext_control array[2]{};
    for (v4l2_ext_control& control : array) {
      control.id = choices_.of({V4L2_CID_MIN_BUFFERS_FOR_CAPTURE, V4L2_CID_MPEG_VIDEO_H264_PROFILE,
                                V4L2_CID_MPEG_VIDEO_VP9_PROFILE, V4L2_CID_CODEC_CLASS});
      if (family_ == Family::kHevc) {
        control.id = choices_.of(
            {V4L2_CID_STATELESS_HEVC_DECODE_MODE, V4L2_CID_STATELESS_HEVC_START_CODE,
             V4L2_CID_STATELESS_HEVC_ENTRY_POINT_OFFSETS, V4L2_CID_STATELESS_HEVC_SLICE_PARAMS});
      } else if (family_ == Family::kAv1) {
        control.id =
            choices_.of({V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, V4L2_CID_STATELESS_AV1_SEQUENCE,
                         V4L2_CID_STATELESS_AV1_FILM_GRAIN, V4L2_CID_MPEG_VIDEO_AV1_PROFILE});
      }
      control.value = static_cast<int>(choices_.of({0, 1, 2, 4}));
    }
    std::memcpy(arena_.data() + 512, array, sizeof array);
    return controls;
  }

  int request_fd() { return static_cast<int>(choices_.of({5000, 5001, 5002, 5003, 0})); }

  // What a client does before it decodes.
  void set_up() {
    v4l2_format format{};
    format.type = kOutput;
    format.fmt.pix_mp.pixelformat = coded_format(family_, choices_);
    if (family_ == Family::kHevc) {
      // Slice by slice, now and then.
      v4l2_control mode{};
      mode.id = V4L2_CID_STATELESS_HEVC_DECODE_MODE;
      mode.value = choices_.byte() % 8 != 0;
      call(VIDIOC_S_CTRL, mode);
    }
    format.fmt.pix_mp.width = format.fmt.pix_mp.height = 16;
    call(VIDIOC_S_FMT, format);
    for (const uint32_t type : {kOutput, kCapture}) {
      check(file_.request_buffers(type, 4));
      check(file_.stream(type, true));
    }
    for (int i = 0; i < 4 && file_.client().requests.size() < 4; ++i) {
      int allocated = 0;
      check(media_->ioctl(MEDIA_IOC_REQUEST_ALLOC, allocated));
    }
  }

  // What was done, and the request where it is complete.
  void take_back(int fd) {
    file_.client().arena = {};  // these planes are not in it
    for (const uint32_t type : {kOutput, kCapture}) {
      TestFile::Buffer buffer(type, 0);
      check(file_.dequeue(buffer));
    }
    file_.client().arena = arena_;
    const auto found = file_.client().requests.find(fd);
    if (found == file_.client().requests.end()) return;
    check(found->second->ioctl(MEDIA_REQUEST_IOC_REINIT, {}, file_.client()));
  }

  // A request as a client would make it, but for what the bytes change.
  void whole_request() {
    const int fd = request_fd();
    const uint32_t index = choices_.of({0, 1, 2, 3});
    take_back(fd);
    (void)file_.queue_capture(index);
    write_packet();
    for (const KnownControl& known : known_controls(family_)) {
      if (choices_.byte() % 32 != 0) set_parameters(known, fd);
    }
    TestFile::Buffer output(kOutput, index);
    output.planes[0].bytesused = 64;
    output.buffer.timestamp.tv_usec = static_cast<suseconds_t>(choices_.of({0, 1, 2, 3}));
    output.buffer.flags =
        V4L2_BUF_FLAG_REQUEST_FD | choices_.of({0, 0, V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF});
    output.buffer.request_fd = fd;
    file_.client().arena = {};
    check(file_.queue(output));
    file_.client().arena = arena_;
    const auto found = file_.client().requests.find(fd);
    if (found == file_.client().requests.end()) return;
    check(found->second->ioctl(MEDIA_REQUEST_IOC_QUEUE, {}, file_.client()));
  }

  // The parameters of a picture, seldom good ones, into a request or, below 0, by themselves.
  void set_parameters(const KnownControl& known, int fd) {
    constexpr size_t kAt = 1024;
    v4l2_ext_control control{};
    control.id = known.id;
    control.size = static_cast<uint32_t>(known.size - (choices_.byte() % 16 == 0 ? 1 : 0));
    if (known.id == V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY) {
      control.size *= choices_.of({1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 5000});
    } else if (known.array) {
      control.size *= choices_.of({1, 2, 20, 0, 5000});
    }
    control.ptr = arena_.data() + kAt;
    std::memcpy(arena_.data() + 512, &control, sizeof control);
    v4l2_ext_controls controls{};
    controls.count = 1;
    controls.controls = reinterpret_cast<v4l2_ext_control*>(arena_.data() + 512);
    // What it starts as, with a few bytes changed.
    controls.which = V4L2_CTRL_WHICH_DEF_VAL;
    call(VIDIOC_G_EXT_CTRLS, controls);
    fill_parameters(known.id, choices_, arena_.data() + kAt);
    const uint8_t choice = choices_.byte();
    for (int changes = choice < 192 ? 0 : choice % 4; changes > 0; --changes) {
      arena_[kAt + choices_.word() % known.size] = std::byte{choices_.byte()};
    }
    std::memcpy(arena_.data() + 512, &control, sizeof control);
    controls.which = fd >= 0 ? V4L2_CTRL_WHICH_REQUEST_VAL : V4L2_CTRL_WHICH_CUR_VAL;
    controls.request_fd = fd;
    call(VIDIOC_S_EXT_CTRLS, controls);
  }

  void set_any_parameters(int fd) {
    const auto known = known_controls(family_);
    const KnownControl& control = known[choices_.byte() % known.size()];
    set_parameters(control, choices_.byte() % 4 ? fd : -1);
  }

  void request_step() {
    const int fd = request_fd();
    const auto found = file_.client().requests.find(fd);
    switch (choices_.byte() % 8) {
      case 0:
        if (file_.client().requests.size() < 8) {
          int allocated = 0;
          check(media_->ioctl(MEDIA_IOC_REQUEST_ALLOC, allocated));
        }
        return;
      case 1:
        if (found != file_.client().requests.end() && choices_.byte() % 2 == 0) {
          file_.client().requests.erase(found);
        }
        return;
      case 2:
        return choices_.byte() % 2 ? set_up() : set_any_parameters(fd);
      case 3:
      case 5:
      case 6:
        return whole_request();
      case 4: {
        media_v2_topology topology{};
        topology.num_entities = choices_.of({0, 1, 6});
        topology.ptr_entities = reinterpret_cast<uintptr_t>(pointer());
        check(media_->ioctl(MEDIA_IOC_G_TOPOLOGY, topology));
        media_links_enum links{};
        links.entity = choices_.of({1, 3, 6, 0x80000000u});
        links.pads = static_cast<media_pad_desc*>(pointer());
        return check(media_->ioctl(MEDIA_IOC_ENUM_LINKS, links));
      }
      default:
        if (found == file_.client().requests.end()) return;
        const std::shared_ptr<v4l2::Request> handle = found->second;
        const bool queue = choices_.byte() % 4 != 0;
        check(handle->ioctl(queue ? MEDIA_REQUEST_IOC_QUEUE : MEDIA_REQUEST_IOC_REINIT, {},
                            file_.client()));
        (void)handle->poll();
        return;
    }
  }

  // A packet into an OUTPUT buffer that is mapped.
  void write_packet() {
    const uint32_t index = choices_.byte() % 4;
    const auto range = file_.file().map(uint64_t{index * VIDEO_MAX_PLANES} << 16, 64);
    ++result_.calls;
    if (!range.ok()) return;
    FakePacket packet{};
    packet.width = static_cast<uint16_t>(choices_.of({64, 64, 128, 0}));
    packet.height = static_cast<uint16_t>(choices_.of({48, 48, 96, 9000}));
    if (size_t{packet.width} * packet.height > 1 << 20) packet.luma = 255;
    packet.luma = choices_.byte();
    packet.bit_depth = choices_.byte() % 4 == 0 ? 10 : 8;
    if (packet.width > 512 || packet.height > 512) packet.luma = packet.luma % 2 ? 0 : 255;
    std::memcpy(range->memory->data(), &packet, sizeof packet);
    if (!stateless_) return;
    write_slices(family_, choices_, range->memory->data());
  }

  void step() {
    if (stateless_ && choices_.byte() % 3 == 0) return request_step();
    switch (choices_.byte() % 34) {
      case 0:
        return call(VIDIOC_QUERYCAP, v4l2_capability{});
      case 1: {
        v4l2_fmtdesc description{};
        description.type = type();
        description.index = choices_.of({0, 1, 2, 3, 4});
        return call(VIDIOC_ENUM_FMT, description);
      }
      case 2:
        return call(VIDIOC_G_FMT, format());
      case 3:
      case 4:
        return call(VIDIOC_S_FMT, format());
      case 5:
        return call(VIDIOC_TRY_FMT, format());
      case 6:
      case 7: {
        v4l2_requestbuffers request{};
        request.type = type();
        request.memory = memory();
        request.count = choices_.of({2, 3, 4, 0, 65});
        return call(VIDIOC_REQBUFS, request);
      }
      case 8: {
        v4l2_create_buffers request{};
        request.format = format();
        request.memory = memory();
        request.count = choices_.of({1, 2, 0, 100});
        return call(VIDIOC_CREATE_BUFS, request);
      }
      case 9:
        return call(VIDIOC_QUERYBUF, buffer());
      case 10:
      case 11:
      case 12:
      case 13:
        return call(VIDIOC_QBUF, buffer());
      case 14:
      case 15:
      case 16:
        return call(VIDIOC_DQBUF, buffer());
      case 17:
        return call(VIDIOC_PREPARE_BUF, buffer());
      case 18: {
        v4l2_exportbuffer request{};
        request.type = type();
        request.index = choices_.of({0, 1, 9});
        request.plane = choices_.of({0, 0, 1});
        request.flags = choices_.of({0, 2, 02000000});
        return call(VIDIOC_EXPBUF, request);
      }
      case 19:
      case 20:
      case 21:
        return call(VIDIOC_STREAMON, static_cast<int>(type()));
      case 22:
        return call(VIDIOC_STREAMOFF, static_cast<int>(type()));
      case 23: {
        v4l2_decoder_cmd command{};
        command.cmd = choices_.of({0, 1, 1, 2});
        return call(VIDIOC_DECODER_CMD, command);
      }
      case 24:
        return call(VIDIOC_DQEVENT, v4l2_event{});
      case 25: {
        v4l2_event_subscription subscription{};
        subscription.type = choices_.of(
            {V4L2_EVENT_EOS, V4L2_EVENT_SOURCE_CHANGE, V4L2_EVENT_CTRL, V4L2_EVENT_ALL});
        subscription.id = choices_.of({0, V4L2_CID_MPEG_VIDEO_VP9_PROFILE});
        subscription.flags = choices_.of({0, 1, 2, 3});
        return call(choices_.byte() % 4 ? VIDIOC_SUBSCRIBE_EVENT : VIDIOC_UNSUBSCRIBE_EVENT,
                    subscription);
      }
      case 26: {
        v4l2_selection selection{};
        selection.type = type();
        selection.target = choices_.of({0, 1, 2, 0x100, 0x103});
        selection.flags = choices_.of({0, 1, 2});
        selection.r = {0, 0, size(), size()};
        return call(choices_.byte() % 2 ? VIDIOC_G_SELECTION : VIDIOC_S_SELECTION, selection);
      }
      case 27: {
        v4l2_query_ext_ctrl query{};
        query.id = choices_.of({V4L2_CTRL_FLAG_NEXT_CTRL, V4L2_CTRL_FLAG_NEXT_COMPOUND,
                                V4L2_CID_MPEG_VIDEO_H264_PROFILE});
        return call(VIDIOC_QUERY_EXT_CTRL, query);
      }
      case 28: {
        v4l2_querymenu menu{};
        menu.id = choices_.of({V4L2_CID_MPEG_VIDEO_H264_PROFILE, V4L2_CID_CODEC_CLASS});
        menu.index = choices_.of({0, 1, 3, 4, 5});
        return call(VIDIOC_QUERYMENU, menu);
      }
      case 29: {
        const std::array<uint32_t, 3> requests{VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS,
                                               VIDIOC_TRY_EXT_CTRLS};
        return call(requests[choices_.byte() % 3], controls());
      }
      case 30:
      case 31:
        return write_packet();
      case 32:
        return scribble();
      default: {
        ++result_.calls;
        (void)file_.poll();
        return;
      }
    }
  }

  Choices choices_;
  const bool stateless_;
  const Family family_;
  TestFile* const media_;
  alignas(8) std::array<std::byte, 8192> arena_{};
  TestFile file_;
  SequenceResult result_;
};

v4l2::NodesOptions direct_qbuf() {
  v4l2::NodesOptions options;
  options.direct_qbuf = true;
  return options;
}

}  // namespace

SequenceResult run_ioctl_sequence(std::span<const uint8_t> bytes) {
  static const auto stateful = fake_device(1);
  static const auto jobs = std::make_shared<FakeJobs>();
  static const auto core = std::make_shared<FakeCore>(jobs);
  static const auto with_requests = v4l2::make_nodes(core, {});
  static const auto without = v4l2::make_nodes(core, direct_qbuf());
  if (bytes.empty()) return {};
  const auto client = std::make_shared<TestClient>();
  if (bytes.front() % 2 == 0) {
    return std::make_unique<HostileClient>(bytes.subspan(1), *stateful, client, nullptr,
                                           Family::kOthers)
        ->run();
  }
  const auto& nodes = bytes.front() % 4 == 1 ? with_requests : without;
  jobs->keep = false;
  const size_t before = jobs->count();
  TestFile media(*nodes[2], client);
  Family family = Family::kOthers;
  if (bytes.front() >> 5 == 5) family = Family::kHevc;
  if (bytes.front() >> 5 == 4) family = Family::kAv1;
  SequenceResult result =
      std::make_unique<HostileClient>(bytes.subspan(1), *nodes[1], client, &media, family)->run();
  result.jobs = jobs->count() - before;
  return result;
}

}  // namespace daedalus::test
