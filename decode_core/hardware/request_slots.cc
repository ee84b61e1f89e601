#include "decode_core/hardware/request_slots.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "decode_core/uapi/media.h"

namespace daedalus::core {

Result<std::unique_ptr<RequestSlots>> RequestSlots::allocate(VideoNode& node, int media,
                                                             uint32_t count) {
  const auto granted = node.request_buffers(Queue::kOutput, count);
  if (!granted) return granted.error();
  std::unique_ptr<RequestSlots> slots(new RequestSlots(node, media));
  slots->supports_hold_ = (granted->capabilities & V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF) != 0;
  for (uint32_t i = 0; i < granted->count; ++i) {
    if (Status status = slots->append(i); !status) return status.error();
  }
  if (slots->slots_.empty()) {
    return Error{ErrorCode::kOutOfMemory, node.path() + ": no OUTPUT buffer was granted"};
  }
  return slots;
}

Status RequestSlots::add(size_t bytes) {
  const auto created = node_.create_buffers(Queue::kOutput, 1, static_cast<uint32_t>(bytes));
  if (!created) return created.error();
  if (created->count == 1 && created->first == slots_.size()) return append(created->first);
  return Error{ErrorCode::kSystem, node_.path() + ": VIDIOC_CREATE_BUFS gave " +
                                       std::to_string(created->count) + " buffers from " +
                                       std::to_string(created->first) + " on"};
}

// The slot of a buffer has the buffer's index.
Status RequestSlots::append(uint32_t index) {
  auto memory = node_.map_buffer(Queue::kOutput, index);
  if (!memory) return memory.error();
  auto request = make_request();
  if (!request) return request.error();
  slots_.push_back({std::move(memory->front()), std::move(*request), State::kIdle});
  return {};
}

Result<DeviceFd> RequestSlots::make_request() const {
  int fd = -1;
  if (node_.calls().ioctl(media_, MEDIA_IOC_REQUEST_ALLOC, &fd) != 0) {
    return system_error(node_.path() + ": MEDIA_IOC_REQUEST_ALLOC");
  }
  return DeviceFd(node_.calls(), fd);
}

bool RequestSlots::has_room_for(size_t bytes) const {
  return std::ranges::any_of(slots_, [&](const Slot& slot) {
    return slot.state != State::kDead && slot.memory.bytes().size() >= bytes;
  });
}

std::optional<uint32_t> RequestSlots::acquire(size_t bytes) {
  for (size_t tried = 0; tried < slots_.size(); ++tried) {
    const size_t slot = next_;
    next_ = (next_ + 1) % slots_.size();
    if (slots_[slot].state != State::kIdle || slots_[slot].memory.bytes().size() < bytes) continue;
    slots_[slot].state = State::kBusy;
    return static_cast<uint32_t>(slot);
  }
  return std::nullopt;
}

Status RequestSlots::submit(uint32_t slot) {
  if (node_.calls().ioctl(request(slot), MEDIA_REQUEST_IOC_QUEUE, nullptr) == 0) return {};
  return system_error(node_.path() + ": MEDIA_REQUEST_IOC_QUEUE");
}

void RequestSlots::release(uint32_t slot) {
  Slot& released = slots_[slot];
  released.state = State::kIdle;
  if (node_.calls().ioctl(request(slot), MEDIA_REQUEST_IOC_REINIT, nullptr) == 0) return;
  const Error error = system_error("MEDIA_REQUEST_IOC_REINIT");
  log(LogLevel::kWarning, "%s: %s; slot %u gets a new request", node_.path().c_str(),
      error.message.c_str(), slot);
  auto request = make_request();
  if (request) {
    released.request = std::move(*request);
    return;
  }
  log(LogLevel::kError, "%s; slot %u is lost", request.error().message.c_str(), slot);
  released.state = State::kDead;
}

size_t RequestSlots::living() const {
  return static_cast<size_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.state != State::kDead; }));
}

}  // namespace daedalus::core
