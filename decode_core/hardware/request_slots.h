// RequestSlots: the OUTPUT buffers of one context, each with a media request of its own for life.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_SLOTS_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_SLOTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/hardware/video_node.h"

namespace daedalus::core {

// A slot's request is never closed while it works: it is made idle again with
// MEDIA_REQUEST_IOC_REINIT. Not thread-safe.
class RequestSlots {
 public:
  // Allocates and maps OUTPUT buffers in the node's present format, and a request for each. `node`
  // and `media` (the media node's descriptor) outlive the slots.
  static Result<std::unique_ptr<RequestSlots>> allocate(VideoNode& node, int media, uint32_t count);

  // One more slot, with room for `bytes`; the others stay as they are, whatever they are doing.
  Status add(size_t bytes);

  // Whether a living slot has room for so much.
  bool has_room_for(size_t bytes) const;
  // The next idle slot with room for `bytes`, in turn; nullopt: none is.
  std::optional<uint32_t> acquire(size_t bytes = 0);
  std::span<uint8_t> memory(uint32_t slot) const { return slots_[slot].memory.bytes(); }
  int request(uint32_t slot) const { return slots_[slot].request.get(); }

  // MEDIA_REQUEST_IOC_QUEUE.
  Status submit(uint32_t slot);
  // The slot's OUTPUT buffer is with us: it becomes idle by REINIT, else with a new request, else
  // it is dead and the pool is one smaller.
  void release(uint32_t slot);
  // The driver never gave the OUTPUT buffer back: nobody may write to it any more.
  void bury(uint32_t slot) { slots_[slot].state = State::kDead; }

  size_t count() const { return slots_.size(); }
  size_t living() const;
  bool supports_hold() const { return supports_hold_; }

 private:
  enum class State : uint8_t { kIdle, kBusy, kDead };
  struct Slot {
    DeviceMapping memory;
    DeviceFd request;
    State state = State::kIdle;
  };
  RequestSlots(VideoNode& node, int media) : node_(node), media_(media) {}
  Status append(uint32_t index);
  Result<DeviceFd> make_request() const;

  VideoNode& node_;
  const int media_;
  std::vector<Slot> slots_;
  size_t next_ = 0;
  bool supports_hold_ = false;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_SLOTS_H_
