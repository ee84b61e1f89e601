#include "test/cuse_device/v4l2/stateless_client.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "decode_core/record/recording.h"
#include "decode_core/uapi/media.h"

namespace daedalus::test {
namespace {

constexpr uint32_t kCaptures = 32;

// Clients run on several threads, where the test framework's assertions must not.
void must(bool holds, int line = __builtin_LINE()) {
  if (!holds) throw std::runtime_error("stateless_client line " + std::to_string(line));
}

// What the controls of a missing reference say.
constexpr uint64_t kNoPicture = 77;

uint64_t timestamp_of(const std::map<const core::Picture*, uint64_t>& timestamps,
                      const std::shared_ptr<core::Picture>& picture) {
  const auto found = timestamps.find(picture.get());
  return found == timestamps.end() ? kNoPicture : found->second;
}

}  // namespace

TestNodes::TestNodes(const v4l2::NodesOptions& options, const std::string& statistics_folder)
    : nodes(v4l2::make_nodes(core::test::make_core(2, statistics_folder), options)) {}

TestNodes::TestNodes(const std::shared_ptr<core::Core>& core, const v4l2::NodesOptions& options)
    : nodes(v4l2::make_nodes(core, options)) {}

uint32_t stateless_fourcc(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return V4L2_PIX_FMT_H264_SLICE;
    case core::Codec::kVp8:
      return V4L2_PIX_FMT_VP8_FRAME;
    case core::Codec::kVp9:
      return V4L2_PIX_FMT_VP9_FRAME;
    case core::Codec::kMpeg2:
      return V4L2_PIX_FMT_MPEG2_SLICE;
    case core::Codec::kHevc:
      return V4L2_PIX_FMT_HEVC_SLICE;
    case core::Codec::kAv1:
      return V4L2_PIX_FMT_AV1_FRAME;
  }
  return 0;
}

int RequestClient::allocate_request() {
  int fd = -1;
  return media.ioctl(MEDIA_IOC_REQUEST_ALLOC, fd) == 0 ? fd : -1;
}

int RequestClient::queue_request(int fd) {
  const auto handle = shared->requests.at(fd);
  return handle->ioctl(MEDIA_REQUEST_IOC_QUEUE, {}, *shared);
}

int RequestClient::reinit(int fd) {
  const auto handle = shared->requests.at(fd);
  return handle->ioctl(MEDIA_REQUEST_IOC_REINIT, {}, *shared);
}

int RequestClient::set_controls(int request_fd, std::span<const ControlValue> values) {
  std::vector<std::vector<std::byte>> payloads;
  std::vector<v4l2_ext_control> array(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    payloads.push_back(values[i].bytes);
    array[i].id = values[i].id;
    if (payloads[i].size() == 4) {
      std::memcpy(&array[i].value, payloads[i].data(), 4);
    } else {
      array[i].size = static_cast<uint32_t>(payloads[i].size());
      array[i].ptr = payloads[i].data();
    }
  }
  v4l2_ext_controls controls{};
  controls.which = request_fd < 0 ? V4L2_CTRL_WHICH_CUR_VAL : V4L2_CTRL_WHICH_REQUEST_VAL;
  controls.request_fd = request_fd < 0 ? 0 : request_fd;
  controls.count = static_cast<uint32_t>(array.size());
  controls.controls = array.data();
  return video.ioctl(VIDIOC_S_EXT_CTRLS, controls);
}

int RequestClient::queue_output(int request_fd, uint32_t index, std::span<const uint8_t> bytes,
                                uint64_t microseconds, uint32_t flags) {
  const v4l2::MappedRange range = video.map(kOutput, index);
  if (!range.memory || bytes.size() > range.size) return -1;
  std::memcpy(video.data(range), bytes.data(), bytes.size());
  TestFile::Buffer buffer(kOutput, index);
  buffer.planes[0].bytesused = static_cast<uint32_t>(bytes.size());
  buffer.buffer.timestamp.tv_sec = static_cast<time_t>(microseconds / 1000000);
  buffer.buffer.timestamp.tv_usec = static_cast<suseconds_t>(microseconds % 1000000);
  buffer.buffer.flags = flags;
  if (request_fd >= 0) {
    buffer.buffer.flags |= V4L2_BUF_FLAG_REQUEST_FD;
    buffer.buffer.request_fd = request_fd;
  }
  return video.queue(buffer);
}

bool RequestClient::wait_complete(int fd) {
  const auto handle = shared->requests.at(fd);
  struct Waiter {
    std::mutex mutex;
    std::condition_variable changed;
  };
  const auto waiter = std::make_shared<Waiter>();
  handle->set_listener([waiter] {
    std::lock_guard lock(waiter->mutex);
    waiter->changed.notify_all();
  });
  const auto complete = [&] { return (handle->poll() & POLLPRI) != 0; };
  bool reached;
  {
    std::unique_lock lock(waiter->mutex);
    reached = waiter->changed.wait_for(lock, std::chrono::seconds(20), complete);
  }
  handle->set_listener(nullptr);
  return reached;
}

std::vector<ControlValue> controls_of(const core::DecodeJob& job,
                                      const std::map<const core::Picture*, uint64_t>& timestamps) {
  const auto at = [&](size_t i) {
    return i < job.references.size() ? timestamp_of(timestamps, job.references[i]) : kNoPicture;
  };
  if (const auto* h264 = std::get_if<core::H264Parameters>(&job.parameters)) {
    v4l2_ctrl_h264_decode_params decode = h264->decode;
    for (size_t i = 0; i < V4L2_H264_NUM_DPB_ENTRIES; ++i) decode.dpb[i].reference_ts = at(i);
    return {control_value(V4L2_CID_STATELESS_H264_SPS, h264->sps),
            control_value(V4L2_CID_STATELESS_H264_PPS, h264->pps),
            control_value(V4L2_CID_STATELESS_H264_SCALING_MATRIX, h264->scaling_matrix),
            control_value(V4L2_CID_STATELESS_H264_DECODE_PARAMS, decode)};
  }
  if (const auto* vp9 = std::get_if<core::Vp9Parameters>(&job.parameters)) {
    v4l2_ctrl_vp9_frame frame = vp9->frame;
    frame.last_frame_ts = at(0);
    frame.golden_frame_ts = at(1);
    frame.alt_frame_ts = at(2);
    return {control_value(V4L2_CID_STATELESS_VP9_FRAME, frame),
            control_value(V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, v4l2_ctrl_vp9_compressed_hdr{})};
  }
  if (const auto* vp8 = std::get_if<core::Vp8Parameters>(&job.parameters)) {
    v4l2_ctrl_vp8_frame frame = vp8->frame;
    frame.last_frame_ts = at(0);
    frame.golden_frame_ts = at(1);
    frame.alt_frame_ts = at(2);
    return {control_value(V4L2_CID_STATELESS_VP8_FRAME, frame)};
  }
  if (const auto* hevc = std::get_if<core::HevcParameters>(&job.parameters)) {
    v4l2_ctrl_hevc_decode_params decode = hevc->decode;
    for (size_t i = 0; i < decode.num_active_dpb_entries; ++i) decode.dpb[i].timestamp = at(i);
    return {control_value(V4L2_CID_STATELESS_HEVC_SPS, hevc->sps),
            control_value(V4L2_CID_STATELESS_HEVC_PPS, hevc->pps),
            control_value(V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, hevc->scaling_matrix),
            control_value(V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, decode)};
  }
  if (const auto* av1 = std::get_if<core::Av1Parameters>(&job.parameters)) {
    v4l2_ctrl_av1_frame frame = av1->frame;
    for (size_t i = 0; i < std::size(frame.reference_frame_ts); ++i) {
      frame.reference_frame_ts[i] = at(i);
    }
    const auto tiles = std::as_bytes(std::span(av1->tiles));
    return {control_value(V4L2_CID_STATELESS_AV1_SEQUENCE, av1->sequence),
            control_value(V4L2_CID_STATELESS_AV1_FRAME, frame),
            control_value(V4L2_CID_STATELESS_AV1_FILM_GRAIN, av1->film_grain),
            {V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY, {tiles.begin(), tiles.end()}}};
  }
  const auto& mpeg2 = std::get<core::Mpeg2Parameters>(job.parameters);
  v4l2_ctrl_mpeg2_picture picture = mpeg2.picture;
  picture.forward_ref_ts = at(0);
  picture.backward_ref_ts = at(1);
  return {control_value(V4L2_CID_STATELESS_MPEG2_SEQUENCE, mpeg2.sequence),
          control_value(V4L2_CID_STATELESS_MPEG2_PICTURE, picture),
          control_value(V4L2_CID_STATELESS_MPEG2_QUANTISATION, mpeg2.quantisation)};
}

std::vector<uint8_t> coded_data_of(const core::DecodeJob& job) {
  std::vector<uint8_t> data;
  for (const core::ByteRange& range : job.slices) {
    const auto bytes = job.bytes_of(range);
    const bool nal = job.codec() == core::Codec::kH264 || job.codec() == core::Codec::kHevc;
    if (nal) data.insert(data.end(), {0, 0, 1});
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  return data;
}

void StatelessPlayer::read_events(parsed_stream::ParsedStream& stream) {
  parsed_stream::Event event;
  for (;;) {
    const auto more = stream.next(event);
    if (more.ok() && !*more) break;
    if (more.ok()) events_.push_back(std::move(event));
  }
  for (size_t i = 0; i < events_.size(); ++i) {
    if (const auto* output = std::get_if<parsed_stream::OutputEvent>(&events_[i])) {
      Target& shown = targets_[target_of(output->picture)];
      shown.last_use = i;
      shown.visible = output->visible;
      continue;
    }
    const core::DecodeJob& job = std::get<parsed_stream::DecodeEvent>(events_[i]).job;
    Target& target = targets_[job.target.get()];
    if (target.timestamp == 0) target.timestamp = 1000 * (1 + targets_.size());
    timestamps_[job.target.get()] = target.timestamp;
    if (job.display) displays_[job.display.get()] = job.target.get();
    target.last_use = i;
    for (const auto& reference : job.references) {
      if (reference) targets_[reference.get()].last_use = i;
    }
  }
}

const core::Picture* StatelessPlayer::target_of(const std::shared_ptr<core::Picture>& shown) const {
  const auto found = displays_.find(shown.get());
  return found == displays_.end() ? shown.get() : found->second;
}

void StatelessPlayer::start(core::Codec codec, uint32_t width, uint32_t height) {
  TestFile& video = client_.video;
  must(video.set_format(kOutput, stateless_fourcc(codec), width, height) == 0);
  must(video.set_format(kCapture, manner_.raw_format) == 0);
  format_ = video.format(kCapture);
  must(format_.pixelformat == manner_.raw_format);
  must(format_.width == width && format_.height == height);
  width_ = width;
  height_ = height;
  if (manner_.slice_based) {
    const uint32_t mode = codec == core::Codec::kHevc ? V4L2_CID_STATELESS_HEVC_DECODE_MODE
                                                      : V4L2_CID_STATELESS_H264_DECODE_MODE;
    must(client_.set_control(-1, control_value(mode, int32_t{0})) == 0);
  }
  must(video.request_buffers(kOutput, manner_.requests) == 0);
  must(video.stream(kOutput, true) == 0);
  must(video.start_capture(kCaptures) == 0);
}

void StatelessPlayer::restart(const core::DecodeJob& job) {
  while (!queued_.empty()) wait_for_slot();
  while (captures_due_ != 0) take_capture();
  for (auto& [picture, target] : targets_) {
    if (target.capture >= 0) target.capture = kGone;
  }
  for (const uint32_t type : {kOutput, kCapture}) {
    must(client_.video.stream(type, false) == 0);
    must(client_.video.request_buffers(type, 0) == 0);
  }
  start(job.codec(), job.coded_width(), job.coded_height());
}

std::vector<core::test::Shown> StatelessPlayer::play(const std::string& path) {
  auto stream = parsed_stream::ParsedStream::open(path);
  must(stream.ok());
  start((*stream)->codec(), (*stream)->width(), (*stream)->height());
  for (uint32_t i = 0; i < manner_.requests; ++i) {
    const int fd = client_.allocate_request();
    must(fd >= 0);
    free_.push_back({i, fd});
  }
  read_events(**stream);
  for (size_t i = 0; i < events_.size(); ++i) {
    if (const auto* output = std::get_if<parsed_stream::OutputEvent>(&events_[i])) {
      show(*output);
    } else {
      const core::DecodeJob& job = std::get<parsed_stream::DecodeEvent>(events_[i]).job;
      if (job.coded_width() != width_ || job.coded_height() != height_) restart(job);
      decode(i, job);
    }
    recycle(i);
  }
  while (!queued_.empty()) wait_for_slot();
  return std::move(shown_);
}

void StatelessPlayer::decode(size_t event, const core::DecodeJob& job) {
  bool more = false;  // a second field follows
  for (size_t i = event + 1; i < events_.size() && job.field == core::FieldRole::kFirstField; ++i) {
    const auto* next = std::get_if<parsed_stream::DecodeEvent>(&events_[i]);
    if (next == nullptr) continue;
    more = next->job.target == job.target;
    break;
  }
  if (!manner_.slice_based) return queue(job, coded_data_of(job), more);
  for (size_t i = 0; i < job.slices.size(); ++i) {
    const auto slice = job.bytes_of(job.slices[i]);
    std::vector<uint8_t> data = {0, 0, 1};
    data.insert(data.end(), slice.begin(), slice.end());
    queue(job, data, more || i + 1 < job.slices.size());
  }
}

// A request of its own.
void StatelessPlayer::queue(const core::DecodeJob& job, std::span<const uint8_t> data, bool hold) {
  while (free_.empty()) wait_for_slot();
  const Slot slot = free_.front();
  free_.pop_front();
  std::vector<ControlValue> controls = controls_of(job, timestamps_);
  if (!manner_.repeat_controls) {
    // As stock clients: what is of the sequence is sent when it changes.
    std::erase_if(controls, [&](const ControlValue& value) {
      const bool of_picture = value.id == V4L2_CID_STATELESS_H264_DECODE_PARAMS ||
                              value.id == V4L2_CID_STATELESS_VP8_FRAME ||
                              value.id == V4L2_CID_STATELESS_VP9_FRAME ||
                              value.id == V4L2_CID_STATELESS_MPEG2_PICTURE ||
                              value.id == V4L2_CID_STATELESS_HEVC_DECODE_PARAMS ||
                              value.id == V4L2_CID_STATELESS_AV1_FRAME;
      const bool same = sent_[value.id] == value.bytes;
      sent_[value.id] = value.bytes;
      return same && !of_picture;
    });
  }
  must(client_.set_controls(slot.request, controls) == 0);
  must(client_.queue_output(slot.request, slot.index, data, timestamps_.at(job.target.get()) / 1000,
                            hold ? V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF : 0) == 0);
  must(client_.queue_request(slot.request) == 0);
  queued_.push_back(slot);
  if (!hold) ++captures_due_;
}

void StatelessPlayer::wait_for_slot() {
  must(!queued_.empty());
  const Slot slot = queued_.front();
  queued_.pop_front();
  must(client_.wait_complete(slot.request));
  TestFile::Buffer output(kOutput, 0);
  must(client_.video.dequeue(output) == 0);
  must(output.buffer.index == slot.index);
  must(client_.reinit(slot.request) == 0);
  free_.push_back(slot);
}

void StatelessPlayer::take_capture() {
  must(captures_due_ != 0);
  TestFile::Buffer buffer(kCapture, 0);
  must(client_.video.dequeue_blocking(buffer) == 0);
  --captures_due_;
  must(manner_.tolerant || (buffer.buffer.flags & V4L2_BUF_FLAG_ERROR) == 0);
  must(manner_.tolerant || buffer.planes[0].bytesused != 0);
  const auto timestamp = 1000 * static_cast<uint64_t>(buffer.buffer.timestamp.tv_sec * 1000000 +
                                                      buffer.buffer.timestamp.tv_usec);
  const auto found = std::find_if(targets_.begin(), targets_.end(), [&](const auto& entry) {
    return entry.second.timestamp == timestamp;
  });
  must(found != targets_.end());
  Target& target = found->second;
  must(target.capture == kNotYet);
  target.capture = static_cast<int>(buffer.buffer.index);
  target.picture = read_captured(client_.video, format_, buffer.buffer.index, target.visible);
  if (!manner_.overwrite_captures) return;
  const auto range = client_.video.map(kCapture, buffer.buffer.index);
  std::memset(client_.video.data(range), 0x55, range.size);
}

void StatelessPlayer::show(const parsed_stream::OutputEvent& output) {
  Target& target = targets_.at(target_of(output.picture));
  must(target.timestamp != 0);
  while (target.capture == kNotYet) take_capture();
  const core::FrameView view = target.picture.view();
  if (manner_.on_picture) manner_.on_picture(view);
  shown_.push_back({view.width, view.height, core::hash_frame(view), 0});
}

// Buffers whose pictures nothing refers to any more, as far as it was queued, go back.
void StatelessPlayer::recycle(size_t event) {
  for (auto target = targets_.begin(); target != targets_.end();) {
    const bool over = target->second.last_use <= event && target->second.timestamp != 0;
    if (!over) {
      ++target;
      continue;
    }
    while (target->second.capture == kNotYet) take_capture();
    if (target->second.capture >= 0) {
      must(client_.video.queue_capture(static_cast<uint32_t>(target->second.capture)) == 0);
    }
    target = targets_.erase(target);
  }
}

}  // namespace daedalus::test
