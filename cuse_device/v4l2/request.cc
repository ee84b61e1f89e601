#include "cuse_device/v4l2/request.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "decode_core/uapi/media.h"

namespace daedalus::v4l2 {

void RequestFileHandle::close() {
  std::lock_guard lock(mutex_);
  file_ = nullptr;
  closed_ = true;
}

int RequestFileHandle::queue_request(const std::shared_ptr<Request>& request) {
  std::lock_guard lock(mutex_);
  return file_ ? file_->queue_request(request) : ENOENT;
}

void RequestFileHandle::unbind(const std::shared_ptr<Buffer>& buffer) {
  std::lock_guard lock(mutex_);
  if (file_) file_->unbind(buffer);
}

int Request::ioctl(uint32_t request, std::span<std::byte>, Client&) {
  switch (request) {
    case MEDIA_REQUEST_IOC_QUEUE:
      return queue();
    case MEDIA_REQUEST_IOC_REINIT:
      return reinit();
    default:
      return ENOTTY;
  }
}

// As media_request_poll.
short Request::poll() {
  std::lock_guard lock(mutex_);
  if (state_ == State::kComplete) return POLLPRI;
  return state_ == State::kQueued ? 0 : POLLERR;
}

Result<MappedRange> Request::map(uint64_t, size_t) {
  return Error{ErrorCode::kUnsupported, "a request has no memory to map"};
}

// As media_request_ioctl_queue; the number of buffers is checked as the drivers' req_validate does.
int Request::queue() {
  FilePtr file;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kIdle) return EBUSY;
    size_t buffers = 0;
    for (const Part& part : parts_) {
      for (const auto& buffer : part.buffers) {
        if (buffer.expired()) continue;
        file = part.file;
        ++buffers;
      }
    }
    if (buffers == 0) return ENOENT;
    if (buffers > 1) return EINVAL;
    state_ = State::kValidating;
  }
  const int error = file->queue_request(shared_from_this());
  if (error == 0) return 0;
  std::lock_guard lock(mutex_);
  state_ = State::kIdle;
  return error;
}

// As media_request_ioctl_reinit.
int Request::reinit() {
  std::vector<Part> parts;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kIdle && state_ != State::kComplete) return EBUSY;
    state_ = State::kCleaning;
    parts.swap(parts_);
  }
  for (const Part& part : parts) {
    for (const auto& weak : part.buffers) {
      if (const auto buffer = weak.lock()) part.file->unbind(buffer);
    }
  }
  {
    std::lock_guard lock(mutex_);
    state_ = State::kIdle;
  }
  notify();
  return 0;
}

// What closed files had in the request goes when another comes.
Request::Part& Request::part_of(const FilePtr& file) {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [&](const Part& part) { return part.file == file; });
  if (found != parts_.end()) return *found;
  std::erase_if(parts_, [](const Part& part) { return part.file->closed(); });
  return parts_.emplace_back(Part{file, {}, {}});
}

int Request::update(const FilePtr& file, const std::function<int(ControlValues&)>& change) {
  std::lock_guard lock(mutex_);
  return state_ == State::kIdle ? change(part_of(file).values) : EBUSY;
}

int Request::read(const FilePtr& file, const std::function<int(const ControlValues&)>& use) {
  std::lock_guard lock(mutex_);
  return state_ == State::kComplete ? use(part_of(file).values) : EACCES;
}

int Request::bind(const FilePtr& file, const std::shared_ptr<Buffer>& buffer) {
  std::lock_guard lock(mutex_);
  if (state_ != State::kIdle) return EBUSY;
  part_of(file).buffers.push_back(buffer);
  return 0;
}

void Request::take_out(const std::shared_ptr<Buffer>& buffer) {
  std::lock_guard lock(mutex_);
  for (Part& part : parts_) {
    std::erase_if(part.buffers, [&](const auto& weak) { return weak.lock() == buffer; });
  }
  if (state_ == State::kQueued) state_ = State::kComplete;
}

ControlValues Request::values(const FilePtr& file) const {
  std::lock_guard lock(mutex_);
  for (const Part& part : parts_) {
    if (part.file == file) return part.values;
  }
  return {};
}

std::shared_ptr<Buffer> Request::buffer() const {
  std::lock_guard lock(mutex_);
  for (const Part& part : parts_) {
    for (const auto& weak : part.buffers) {
      if (auto buffer = weak.lock()) return buffer;
    }
  }
  return nullptr;
}

void Request::set_queued() {
  std::lock_guard lock(mutex_);
  state_ = State::kQueued;
}

void Request::keep(const FilePtr& file, ControlValues values) {
  std::lock_guard lock(mutex_);
  part_of(file).values = std::move(values);
}

}  // namespace daedalus::v4l2
