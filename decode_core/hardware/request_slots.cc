#include "decode_core/hardware/request_slots.h"

#include <algorithm>
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
    auto memory = node.map_buffer(Queue::kOutput, i);
    if (!memory) return memory.error();
    auto request = slots->make_request();
    if (!request) return request.error();
    slots->slots_.push_back({std::move(memory->front()), std::move(*request), State::kIdle});
  }
  if (slots->slots_.empty()) {
    return Error{ErrorCode::kOutOfMemory, node.path() + ": no OUTPUT buffer was granted"};
  }
  return slots;
}

Result<DeviceFd> RequestSlots::make_request() const {
  int fd = -1;
  if (node_.calls().ioctl(media_, MEDIA_IOC_REQUEST_ALLOC, &fd) != 0) {
    return system_error(node_.path() + ": MEDIA_IOC_REQUEST_ALLOC");
  }
  return DeviceFd(node_.calls(), fd);
}

std::optional<uint32_t> RequestSlots::acquire() {
  for (size_t tried = 0; tried < slots_.size(); ++tried) {
    const size_t slot = next_;
    next_ = (next_ + 1) % slots_.size();
    if (slots_[slot].state != State::kIdle) continue;
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
