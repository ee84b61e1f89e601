#include "cuse_device/v4l2/buffer_queue.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace daedalus::v4l2 {
namespace {

// The constants of newer headers (Linux 6.10).
constexpr uint32_t kSupportsMaxNumBuffers = 1u << 7;  // V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS

// What a client may not set in v4l2_buffer.flags (as V4L2_BUFFER_MASK_FLAGS).
constexpr uint32_t kStateFlags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE |
                                 V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_PREPARED |
                                 V4L2_BUF_FLAG_IN_REQUEST | V4L2_BUF_FLAG_REQUEST_FD |
                                 V4L2_BUF_FLAG_TIMESTAMP_MASK;
// What only means something in an OUTPUT buffer (as V4L2_BUFFER_OUT_FLAGS).
constexpr uint32_t kOutputFlags = V4L2_BUF_FLAG_PFRAME | V4L2_BUF_FLAG_BFRAME |
                                  V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_TIMECODE |
                                  V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;

uint32_t state_flags(const Buffer& buffer) {
  switch (buffer.state) {
    case BufferState::kQueued:
    case BufferState::kActive:
      return V4L2_BUF_FLAG_QUEUED;
    case BufferState::kInRequest:
      return V4L2_BUF_FLAG_IN_REQUEST;
    case BufferState::kDone:
      return V4L2_BUF_FLAG_DONE;
    case BufferState::kError:
      return V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_ERROR;
    case BufferState::kDequeued:
      return 0;
  }
  return 0;
}

bool mapped(const Buffer& buffer) {
  return std::any_of(buffer.planes.begin(), buffer.planes.end(), [](const BufferPlane& plane) {
    return plane.memory != nullptr && plane.memory.use_count() > 1;
  });
}

}  // namespace

// As the kernel's check_array_args copies the planes in.
int BufferQueue::ClientPlanes::read(const v4l2_buffer& argument, Client& client) {
  if (!V4L2_TYPE_IS_MULTIPLANAR(argument.type) || argument.length == 0) return 0;
  if (argument.length > VIDEO_MAX_PLANES) return EINVAL;
  address = reinterpret_cast<uintptr_t>(argument.m.planes);
  count = argument.length;
  return client.read(address, planes.data(), count * sizeof(v4l2_plane)) ? 0 : EFAULT;
}

uint32_t BufferQueue::capabilities() const {
  return V4L2_BUF_CAP_SUPPORTS_MMAP | V4L2_BUF_CAP_SUPPORTS_DMABUF |
         V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS |
         (config_.user_pointers ? V4L2_BUF_CAP_SUPPORTS_USERPTR : 0u) |
         (config_.supports_requests ? V4L2_BUF_CAP_SUPPORTS_REQUESTS : 0u) |
         (config_.supports_hold_capture ? V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF : 0u);
}

int BufferQueue::check_memory(uint32_t memory, uint32_t type) const {
  const bool known = memory == V4L2_MEMORY_MMAP || memory == V4L2_MEMORY_DMABUF ||
                     (memory == V4L2_MEMORY_USERPTR && config_.user_pointers);
  return known && type == config_.type ? 0 : EINVAL;
}

int BufferQueue::reqbufs(v4l2_requestbuffers& request) {
  request.capabilities = capabilities();
  request.flags = 0;
  std::fill(std::begin(request.reserved), std::end(request.reserved), uint8_t{0});
  if (const int error = check_memory(request.memory, request.type)) return error;
  if (streaming_) return EBUSY;
  // Buffers that are still mapped live on with their mappings (orphaned).
  cancel();
  buffers_.clear();
  if (request.count == 0) return 0;
  const uint32_t wanted = std::min(request.count, kMaxBuffers);
  const uint32_t added =
      add_buffers(wanted, request.memory, PlaneSizes(format_.sizes).first(format_.plane_count));
  if (added == 0) return ENOMEM;
  request.count = added;
  return 0;
}

int BufferQueue::create_bufs(v4l2_create_buffers& request) {
  request.capabilities = capabilities() | kSupportsMaxNumBuffers;
  request.flags = 0;
  std::fill(std::begin(request.reserved), std::end(request.reserved), 0u);
  // max_num_buffers of newer headers is what the first reserved word was.
  static_assert(sizeof(v4l2_create_buffers) == 256);
  constexpr size_t kMaxNumBuffersAt = 232;
  __builtin_memcpy(reinterpret_cast<std::byte*>(&request) + kMaxNumBuffersAt, &kMaxBuffers,
                   sizeof kMaxBuffers);
  request.index = static_cast<uint32_t>(buffers_.size());
  if (const int error = check_memory(request.memory, request.format.type)) return error;
  if (request.count == 0) return 0;

  const v4l2_pix_format_mplane& pixels = request.format.fmt.pix_mp;
  if (pixels.num_planes == 0 || pixels.num_planes > VIDEO_MAX_PLANES) return EINVAL;
  std::array<uint32_t, VIDEO_MAX_PLANES> sizes{};
  for (uint32_t i = 0; i < pixels.num_planes; ++i) sizes[i] = pixels.plane_fmt[i].sizeimage;
  if (pixels.num_planes != format_.plane_count) return EINVAL;
  for (uint32_t i = 0; i < format_.plane_count; ++i) {
    if (sizes[i] == 0 || sizes[i] < format_.sizes[i]) return EINVAL;
  }
  if (buffers_.size() >= kMaxBuffers) return ENOBUFS;
  if (!buffers_.empty() && request.memory != memory_) return EINVAL;
  const uint32_t room = kMaxBuffers - static_cast<uint32_t>(buffers_.size());
  const uint32_t added = add_buffers(std::min(request.count, room), request.memory,
                                     PlaneSizes(sizes).first(format_.plane_count));
  if (added == 0) return ENOMEM;
  request.count = added;
  return 0;
}

// The buffer that `argument` names, its planes fetched and their number checked.
int BufferQueue::find_buffer(const v4l2_buffer& argument, Client& client, ClientPlanes* planes,
                             std::shared_ptr<Buffer>* buffer) const {
  if (const int error = planes->read(argument, client)) return error;
  if (argument.type != config_.type || argument.index >= buffers_.size()) return EINVAL;
  *buffer = buffers_[argument.index];
  return planes->count >= (*buffer)->planes.size() ? 0 : EINVAL;
}

int BufferQueue::querybuf(v4l2_buffer& argument, Client& client) {
  ClientPlanes planes;
  std::shared_ptr<Buffer> buffer;
  if (const int error = find_buffer(argument, client, &planes, &buffer)) return error;
  return answer(*buffer, &argument, &planes, client);
}

// As v4l2_m2m_qbuf and vb2_queue_or_prepare_buf.
int BufferQueue::check_request(const v4l2_buffer& argument, const ClientPlanes& planes,
                               const Buffer& buffer, Client& client,
                               std::shared_ptr<Request>* request) const {
  const bool with_request = (argument.flags & V4L2_BUF_FLAG_REQUEST_FD) != 0;
  if (with_request && !output()) return EPERM;
  if (with_request && buffer.state != BufferState::kDequeued) return EINVAL;
  if (!buffer.prepared) {
    if (const int error = check_sizes(argument, planes, buffer)) return error;
  }
  if (!with_request) {
    if (config_.requires_requests) return EBADR;
    return uses_requests_ ? EBUSY : 0;
  }
  if (!config_.supports_requests) return EBADR;
  if (uses_qbuf_) return EBUSY;
  *request = config_.find_request(argument.request_fd, client);
  return *request ? 0 : EINVAL;
}

// As vb2_fill_vb2_v4l2_buffer and the drivers' buf_prepare do. Changes nothing if it fails.
int BufferQueue::prepare(const v4l2_buffer& argument, const ClientPlanes& planes, Client& client,
                         Buffer* buffer) const {
  if (buffer->planes.size() != format_.plane_count) return EINVAL;
  if (const int error = check_sizes(argument, planes, *buffer)) return error;
  std::vector<BufferPlane> fetched(buffer->planes.size());
  for (size_t i = 0; i < fetched.size(); ++i) {
    if (memory_ == V4L2_MEMORY_MMAP) {
      if (!output() && buffer->planes[i].length < format_.sizes[i]) return EINVAL;
      continue;
    }
    fetched[i] = std::move(buffer->planes[i]);
    const int error = take_plane_memory(planes.planes[i], client, format_.sizes[i], &fetched[i]);
    buffer->planes[i] = std::move(fetched[i]);
    if (error != 0) return error;
  }
  // Timestamp and timecode come with QBUF; cache hints are not for this queue (vb2's
  // set_buffer_cache_hints).
  buffer->flags = argument.flags & ~kStateFlags & ~(V4L2_BUF_FLAG_LAST | V4L2_BUF_FLAG_TIMECODE) &
                  ~(V4L2_BUF_FLAG_NO_CACHE_INVALIDATE | V4L2_BUF_FLAG_NO_CACHE_CLEAN);
  buffer->timestamp = {};
  if (!output()) {
    buffer->flags &= ~(kOutputFlags | V4L2_BUF_FLAG_TSTAMP_SRC_MASK);
  } else {
    if (!config_.supports_hold_capture) buffer->flags &= ~V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
    buffer->field = V4L2_FIELD_NONE;  // as the drivers' buf_out_validate
  }
  for (size_t i = 0; i < buffer->planes.size(); ++i) {
    BufferPlane& plane = buffer->planes[i];
    const uint32_t used = planes.planes[i].bytesused;
    plane.data_offset = output() ? planes.planes[i].data_offset : 0;
    // An OUTPUT plane of no bytes counts as full (vb2_warn_zero_bytesused).
    if (output()) plane.bytes_used = used != 0 ? used : plane.length;
  }
  buffer->prepared = true;
  return 0;
}

// As __verify_length.
int BufferQueue::check_sizes(const v4l2_buffer& argument, const ClientPlanes& planes,
                             const Buffer& buffer) const {
  if (!output()) return 0;
  if (argument.field == V4L2_FIELD_ALTERNATE) return EINVAL;
  for (size_t i = 0; i < buffer.planes.size(); ++i) {
    const v4l2_plane& plane = planes.planes[i];
    const uint32_t length = memory_ == V4L2_MEMORY_MMAP ? buffer.planes[i].length : plane.length;
    const uint32_t used = plane.bytesused != 0 ? plane.bytesused : length;
    if (plane.bytesused > length) return EINVAL;
    if (plane.data_offset > 0 && plane.data_offset >= used) return EINVAL;
  }
  return 0;
}

int BufferQueue::prepare_buf(v4l2_buffer& argument, Client& client) {
  ClientPlanes planes;
  std::shared_ptr<Buffer> buffer;
  if (const int error = find_buffer(argument, client, &planes, &buffer)) return error;
  if (argument.memory != memory_ || (argument.flags & V4L2_BUF_FLAG_REQUEST_FD)) return EINVAL;
  if (buffer->state != BufferState::kDequeued || buffer->prepared) return EINVAL;
  if (const int error = prepare(argument, planes, client, buffer.get())) return error;
  return answer(*buffer, &argument, &planes, client);
}

int BufferQueue::qbuf(v4l2_buffer& argument, Client& client) {
  ClientPlanes planes;
  std::shared_ptr<Buffer> buffer;
  if (const int error = find_buffer(argument, client, &planes, &buffer)) return error;
  if (argument.memory != memory_) return EINVAL;
  std::shared_ptr<Request> request;
  if (const int error = check_request(argument, planes, *buffer, client, &request)) return error;
  if (buffer->state != BufferState::kDequeued) return EINVAL;
  if (!buffer->prepared) {
    if (const int error = prepare(argument, planes, client, buffer.get())) return error;
  }
  if (output()) {  // as __copy_timestamp
    buffer->timestamp = argument.timestamp;
    if (argument.flags & V4L2_BUF_FLAG_TIMECODE) {
      buffer->flags |= V4L2_BUF_FLAG_TIMECODE;
      buffer->timecode = argument.timecode;
    }
  }
  if (request) {
    uses_requests_ = true;
    if (const int error = config_.bind(*request, buffer)) {
      buffer->prepared = false;
      return error;
    }
    buffer->state = BufferState::kInRequest;
    buffer->request = request;
    buffer->request_fd = argument.request_fd;
  } else {
    uses_qbuf_ = true;
    buffer->state = BufferState::kQueued;
    buffer->queued_as = queued_so_far_++;
    queued_.push_back(buffer);
    ++inside_;
  }
  return answer(*buffer, &argument, &planes, client);
}

int BufferQueue::dqbuf(v4l2_buffer& argument, Client& client, std::shared_ptr<Buffer>* dequeued) {
  ClientPlanes planes;
  if (const int error = planes.read(argument, client)) return error;
  if (argument.type != config_.type || !streaming_) return EINVAL;
  if (last_dequeued_) return EPIPE;
  if (done_.empty()) return EAGAIN;
  const std::shared_ptr<Buffer> buffer = done_.front();
  if (planes.count < buffer->planes.size()) return EINVAL;
  if (const int error = write_user_memory(*buffer, client)) return error;

  buffer->prepared = false;
  const int error = answer(*buffer, &argument, &planes, client);
  if (error != 0) return error;  // it stays where it was
  done_.pop_front();
  --inside_;
  argument.flags &= ~static_cast<uint32_t>(V4L2_BUF_FLAG_DONE);
  buffer->state = BufferState::kDequeued;
  buffer->request_fd = -1;
  if (!output() && (buffer->flags & V4L2_BUF_FLAG_LAST)) last_dequeued_ = true;
  *dequeued = buffer;
  return 0;
}

// Fills the client's structure and its planes (as __fill_v4l2_buffer).
int BufferQueue::answer(const Buffer& buffer, v4l2_buffer* argument, ClientPlanes* planes,
                        Client& client) const {
  v4l2_buffer filled{};
  filled.index = buffer.index;
  filled.type = config_.type;
  filled.memory = memory_;
  filled.flags = buffer.flags | state_flags(buffer) | V4L2_BUF_FLAG_TIMESTAMP_COPY;
  const bool waits =
      buffer.state == BufferState::kDequeued || buffer.state == BufferState::kInRequest;
  if (waits && buffer.prepared) filled.flags |= V4L2_BUF_FLAG_PREPARED;
  if (mapped(buffer)) filled.flags |= V4L2_BUF_FLAG_MAPPED;
  if (buffer.request_fd >= 0) {
    filled.flags |= V4L2_BUF_FLAG_REQUEST_FD;
    filled.request_fd = buffer.request_fd;
  }
  filled.field = buffer.field;
  filled.timestamp = buffer.timestamp;
  if (buffer.flags & V4L2_BUF_FLAG_TIMECODE) filled.timecode = buffer.timecode;
  filled.sequence = buffer.sequence;
  filled.length = static_cast<uint32_t>(buffer.planes.size());
  filled.m.planes = argument->m.planes;
  *argument = filled;

  for (uint32_t i = 0; i < buffer.planes.size(); ++i) {
    const BufferPlane& plane = buffer.planes[i];
    v4l2_plane& to = planes->planes[i];
    to = {};
    to.bytesused = plane.bytes_used;
    to.data_offset = plane.data_offset;
    to.length = plane.length;
    switch (memory_) {
      case V4L2_MEMORY_MMAP:
        to.m.mem_offset = plane_cookie(buffer.index, i);
        break;
      case V4L2_MEMORY_USERPTR:
        to.m.userptr = plane.user_pointer;
        break;
      default:
        to.m.fd = plane.client_fd;
        break;
    }
  }
  const size_t size = buffer.planes.size() * sizeof(v4l2_plane);
  return client.write(planes->address, planes->planes.data(), size) ? 0 : EFAULT;
}

int BufferQueue::streamon(uint32_t type) {
  if (type != config_.type) return EINVAL;
  if (streaming_) return 0;
  if (buffers_.empty()) return EINVAL;
  streaming_ = true;
  next_sequence_ = 0;
  return 0;
}

int BufferQueue::streamoff(uint32_t type) {
  if (type != config_.type) return EINVAL;
  cancel();
  return 0;
}

// Everything goes back to the client (as __vb2_queue_cancel).
void BufferQueue::cancel() {
  streaming_ = false;
  last_dequeued_ = false;
  uses_requests_ = false;
  uses_qbuf_ = false;
  queued_.clear();
  done_.clear();
  inside_ = 0;
  for (const auto& buffer : buffers_) {
    buffer->state = BufferState::kDequeued;
    buffer->prepared = false;
    buffer->request_fd = -1;
    leave_request(buffer);
  }
}

void BufferQueue::leave_request(const std::shared_ptr<Buffer>& buffer) {
  const std::shared_ptr<Request> request = std::exchange(buffer->request, nullptr);
  if (request) config_.take_out(request, buffer);
}

std::shared_ptr<Buffer> BufferQueue::peek_queued() const {
  return streaming_ && !queued_.empty() ? queued_.front() : nullptr;
}

std::shared_ptr<Buffer> BufferQueue::take_queued() {
  auto buffer = peek_queued();
  if (!buffer) return nullptr;
  queued_.pop_front();
  buffer->state = BufferState::kActive;
  buffer->sequence = next_sequence_++;
  return buffer;
}

std::shared_ptr<Buffer> BufferQueue::take_warmest() {
  if (peek_queued() && memory_ == V4L2_MEMORY_MMAP) {
    std::rotate(queued_.begin(), std::prev(queued_.end()), queued_.end());
  }
  return take_queued();
}

void BufferQueue::done(const std::shared_ptr<Buffer>& buffer, BufferState state) {
  if (buffer->state != BufferState::kActive) return;
  buffer->state = state;
  done_.push_back(buffer);
  leave_request(buffer);
}

void BufferQueue::queue_of_request(const std::shared_ptr<Buffer>& buffer) {
  if (buffer->state != BufferState::kInRequest) return;
  buffer->state = BufferState::kQueued;
  buffer->queued_as = queued_so_far_++;
  queued_.push_back(buffer);
  ++inside_;
}

void BufferQueue::unbind(const std::shared_ptr<Buffer>& buffer) {
  if (buffer->state != BufferState::kInRequest) return;
  buffer->state = BufferState::kDequeued;
  buffer->prepared = false;
  buffer->request.reset();
  buffer->request_fd = -1;
}

}  // namespace daedalus::v4l2
