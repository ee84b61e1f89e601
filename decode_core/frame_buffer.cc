#include "decode_core/frame_buffer.h"

#include <cstring>
#include <new>
#include <string>

namespace daedalus::core {
namespace {

uint8_t* aligned(uint8_t* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  const uintptr_t up = (address + FrameMemory::kAlignment - 1) & ~(FrameMemory::kAlignment - 1);
  return pointer + (up - address);
}

}  // namespace

void read_samples(const FrameView& frame, size_t component, uint32_t x, uint32_t y, size_t count,
                  uint8_t* out) {
  const size_t size = is_wide(frame.format) ? 2 : 1;
  const bool pairs = is_interleaved(frame.format) && component != 0;
  const Plane& plane = frame.planes[pairs ? 1 : component];
  const size_t step = pairs ? 2 * size : size;
  const uint8_t* from = plane.data + y * plane.stride + x * step;
  if (pairs && component == 2) from += size;
  if (step == size && frame.format != SampleFormat::kP010) {
    std::memcpy(out, from, count * size);
    return;
  }
  for (size_t i = 0; i < count; ++i, from += step) {
    if (size == 1) {
      out[i] = *from;
      continue;
    }
    uint16_t value = 0;
    std::memcpy(&value, from, size);
    value = static_cast<uint16_t>(value >> 6);
    std::memcpy(out + i * size, &value, size);
  }
}

FrameMemory::FrameMemory(std::unique_ptr<uint8_t[]> storage, size_t size)
    : data_(aligned(storage.get())), size_(size) {
  owner_ = std::shared_ptr<uint8_t[]>(std::move(storage));
}

FrameMemory::FrameMemory(std::shared_ptr<const void> owner, uint8_t* data, size_t size)
    : owner_(std::move(owner)), data_(data), size_(size) {}

// What lies idle, all of one size and origin.
struct FramePool::Shelf {
  // Memory is put back where nothing may throw.
  Shelf() { idle.reserve(kMaxIdle); }

  std::mutex mutex;
  size_t size = 0;
  bool of_source = false;
  std::vector<std::unique_ptr<FrameMemory>> idle;
};

FramePool::FramePool(std::shared_ptr<FrameMemorySource> source)
    : source_(std::move(source)), shelf_(std::make_shared<Shelf>()) {}

Result<std::shared_ptr<FrameMemory>> FramePool::allocate(size_t size) {
  // The largest picture, 8192x8192 in 16-bit samples with its margins, and a bound for overflow.
  constexpr size_t kLargest = size_t{256} << 20;
  if (size == 0 || size > kLargest) {
    return Error{ErrorCode::kOutOfMemory,
                 "a frame of " + std::to_string(size) + " bytes is too large"};
  }
  bool of_source = source_ != nullptr && source_->is_wanted(size);
  std::unique_ptr<FrameMemory> memory;
  {
    std::lock_guard lock(shelf_->mutex);
    if (shelf_->size != size || shelf_->of_source != of_source) {
      shelf_->idle.clear();
      shelf_->size = size;
      shelf_->of_source = of_source;
    }
    if (!shelf_->idle.empty()) {
      memory = std::move(shelf_->idle.back());
      shelf_->idle.pop_back();
    }
  }
  if (memory == nullptr && of_source) {
    memory = source_->allocate(size);
    of_source = memory != nullptr;
  }
  if (memory == nullptr) {
    std::unique_ptr<uint8_t[]> storage(new (std::nothrow) uint8_t[size + FrameMemory::kAlignment]);
    if (storage == nullptr) {
      return Error{ErrorCode::kOutOfMemory,
                   "no memory for a frame of " + std::to_string(size) + " bytes"};
    }
    memory = std::make_unique<FrameMemory>(std::move(storage), size);
  }
  // The shelf is held weakly: memory may outlive its pool.
  auto put_back = [shelf = std::weak_ptr(shelf_), of_source](FrameMemory* released) {
    std::unique_ptr<FrameMemory> owned(released);
    const auto home = shelf.lock();
    if (home == nullptr) return;
    std::lock_guard lock(home->mutex);
    if (home->size == owned->size() && home->of_source == of_source &&
        home->idle.size() < kMaxIdle) {
      home->idle.push_back(std::move(owned));
    }
  };
  return std::shared_ptr<FrameMemory>(memory.release(), std::move(put_back));
}

}  // namespace daedalus::core
