#include "test/decode_core/hardware/own_device.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "decode_core/uapi/controls.h"
#include "decode_core/uapi/media.h"
#include "test/decode_core/stream/streams.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {

OwnDevice::OwnDevice() : nodes_(make_core(1)), calls_(nodes_) {}

void OwnDevice::await_clients() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (open_files() + mappings() != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void OwnDevice::set_fault(Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

int OwnDevice::fault(uint32_t request, void* argument) {
  Fault fault;
  {
    std::lock_guard lock(mutex_);
    fault = fault_;
  }
  return fault ? fault(request, argument) : 0;
}

int OwnDevice::open(const std::string& path) { return calls_.open(path); }

int OwnDevice::ioctl(int fd, uint32_t request, void* argument) {
  if (const int error = fault(request, argument)) {
    return error == kAnswered ? 0 : (errno = error, -1);
  }
  if (const int error = refuse(fd, request, argument)) return errno = error, -1;
  const int result = calls_.ioctl(fd, request, argument);
  if (result != 0) return result;
  follow(fd, request, argument);
  rename(request, argument);
  Answer answer;
  {
    std::lock_guard lock(mutex_);
    answer = answer_;
  }
  if (answer) answer(request, argument);
  return result;
}

void OwnDevice::set_answer(Answer answer) {
  std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

int OwnDevice::refuse(int fd, uint32_t request, const void* argument) {
  if (request != VIDIOC_S_FMT) return 0;
  std::lock_guard lock(mutex_);
  const bool output =
      static_cast<const v4l2_format*>(argument)->type == V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  return output && with_pictures_.contains(fd) ? EBUSY : 0;
}

void OwnDevice::follow(int fd, uint32_t request, const void* argument) {
  if (request == VIDIOC_REQBUFS) {
    const auto& buffers = *static_cast<const v4l2_requestbuffers*>(argument);
    if (buffers.type != V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE) return;
    std::lock_guard lock(mutex_);
    if (buffers.count != 0) {
      with_pictures_.insert(fd);
    } else {
      with_pictures_.erase(fd);
    }
  } else if (request == VIDIOC_S_FMT &&
             static_cast<const v4l2_format*>(argument)->type == V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE) {
    v4l2_fmtdesc first{};
    first.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
    v4l2_format pictures{};
    pictures.type = first.type;
    if (calls_.ioctl(fd, VIDIOC_ENUM_FMT, &first) != 0) return;
    pictures.fmt.pix_mp.pixelformat = first.pixelformat;
    calls_.ioctl(fd, VIDIOC_S_FMT, &pictures);
  }
}

int OwnDevice::close(int fd) {
  {
    std::lock_guard lock(mutex_);
    with_pictures_.erase(fd);
  }
  return calls_.close(fd);
}

void OwnDevice::set_driver(const std::string& name) {
  std::lock_guard lock(mutex_);
  driver_ = name;
}

void OwnDevice::rename(uint32_t request, void* answer) {
  std::lock_guard lock(mutex_);
  if (driver_.empty()) return;
  if (request == VIDIOC_QUERYCAP) {
    std::strcpy(reinterpret_cast<char*>(static_cast<v4l2_capability*>(answer)->driver),
                driver_.c_str());
  } else if (request == MEDIA_IOC_DEVICE_INFO) {
    std::strcpy(static_cast<media_device_info*>(answer)->driver, driver_.c_str());
  }
}

int OwnDevice::poll(pollfd& entry, int milliseconds) {
  if (const int error = fault(kPoll, &entry)) return error == ETIME ? 0 : (errno = error, -1);
  // Sanitizers and loaded machines are slow.
  return calls_.poll(&entry, 1, milliseconds * 30);
}

std::vector<DeviceCalls::Node> OwnDevice::nodes(std::string_view prefix) {
  std::vector<Node> found;
  for (const auto& node : calls_.nodes(std::string(prefix))) {
    found.push_back({node.path, node.major, node.minor, user_space_});
  }
  return found;
}

std::shared_ptr<Core> make_hardware_core(DeviceCalls& device, const std::string& backend,
                                         const std::string& statistics_folder,
                                         std::unique_ptr<MemoryAllocator> memory) {
  Settings settings;
  settings.backend = backend;
  settings.threads = 1;
  settings.statistics_folder = statistics_folder;
  return Core::create(settings, device, std::move(memory));
}

uint64_t decoded_by(const StatisticsSnapshot& page, std::string_view substrate) {
  for (const auto& stage : page.stages) {
    if (stage.name == "decode" && stage.substrate == substrate) return stage.pictures;
  }
  return 0;
}

namespace {

ShownPicture look_at(const Picture& picture, const Rect& visible) {
  picture.wait();
  const auto frame = picture.frame();
  if (!frame) return {};
  FrameView view = frame->view;
  if (visible.x + visible.width > view.width || visible.y + visible.height > view.height) {
    return {"the visible part is not inside the picture"};
  }
  const size_t sample = is_wide(view.format) ? 2 : 1;
  const size_t pair = is_interleaved(view.format) ? 2 : 1;
  for (size_t plane = 0; plane < view.planes.size(); ++plane) {
    const uint32_t shift = plane == 0 ? 0 : 1;
    if (view.planes[plane].data == nullptr) continue;
    view.planes[plane].data += (visible.y >> shift) * view.planes[plane].stride +
                               (visible.x >> shift) * (plane == 0 ? sample : sample * pair);
  }
  view.width = visible.width;
  view.height = visible.height;
  const FrameHash hash = hash_frame(view);
  return {std::string(hash.begin(), hash.end()), picture.concealed()};
}

}  // namespace

PlayedFile play_file(Core& core, const std::string& path, std::shared_ptr<Session>* kept,
                     const Show& show, const Prepare& prepare) {
  auto stream = parsed_stream::ParsedStream::open(path);
  PlayedFile played;
  const auto fail = [&](const std::string& why) {
    played.failure = why;
    return played;
  };
  if (!stream) return fail(stream.error().message);
  std::shared_ptr<Session> session = kept != nullptr ? *kept : nullptr;
  parsed_stream::Event event;
  for (;;) {
    const auto more = (*stream)->next(event);
    if (!more) continue;
    if (!*more) break;
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      session = session_for(decode->job, std::move(session));
      if (session == nullptr) {
        const auto profile = parsed_stream::profile_of(decode->job);
        if (!profile) return fail("no profile of ours");
        auto opened = core.open_session(
            {*profile, decode->job.coded_width(), decode->job.coded_height(), "replay"});
        if (!opened) return fail(opened.error().message);
        session = std::move(*opened);
        played.engine = session->engine();
      }
      if (prepare) prepare(decode->job);
      const Status status = session->submit(std::move(decode->job));
      if (!status) return fail(status.error().message);
    } else {
      const auto& output = std::get<parsed_stream::OutputEvent>(event);
      played.pictures.push_back(look_at(*output.picture, output.visible));
      if (show) show(output.picture);
    }
  }
  if (session != nullptr) session->drain();
  if (kept != nullptr) *kept = session;
  return played;
}

}  // namespace daedalus::core::test
