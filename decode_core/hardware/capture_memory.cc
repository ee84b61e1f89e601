#include "decode_core/hardware/capture_memory.h"

#include <algorithm>
#include <string>
#include <utility>

namespace daedalus::core {

CaptureMemory::CaptureMemory(const VideoNode& node, uint32_t index,
                             std::vector<DeviceMapping> planes)
    : mappings_(std::move(planes)), index_(index), node_(&node) {
  for (const DeviceMapping& mapping : mappings_) planes_.push_back(mapping.bytes());
}

CaptureMemory::CaptureMemory(std::shared_ptr<SurfaceMemory> dma_buf, bool given)
    : dma_buf_(std::move(dma_buf)), planes_{{dma_buf_->data(), dma_buf_->size()}}, given_(given) {
  if (given) receiver_ = dma_buf_;
}

CaptureMemory::~CaptureMemory() { end_cpu_read(); }

std::shared_ptr<const void> CaptureMemory::lend(const std::shared_ptr<CaptureMemory>& memory) {
  memory->lent_.store(true, std::memory_order_relaxed);
  return {memory.get(), [memory](const CaptureMemory*) {
            memory->lent_.store(false, std::memory_order_release);
          }};
}

void CaptureMemory::detach() {
  std::lock_guard lock(mutex_);
  node_ = nullptr;
}

void CaptureMemory::begin_cpu_read() {
  if (dma_buf_ != nullptr && !std::exchange(cpu_reads_, true)) dma_buf_->begin_cpu_read();
}

void CaptureMemory::end_cpu_read() {
  if (std::exchange(cpu_reads_, false)) dma_buf_->end_cpu_read();
}

Result<std::shared_ptr<SurfaceMemory>> CaptureMemory::give() {
  std::lock_guard lock(mutex_);
  if (given_) return Error{ErrorCode::kBusy, "the CAPTURE buffer was given away before"};
  if (dma_buf_ != nullptr) {
    given_ = true;
    receiver_ = dma_buf_;
    return dma_buf_;
  }
  if (node_ == nullptr) return Error{ErrorCode::kUnsupported, "its queue is no more"};
  auto fd = node_->export_buffer(Queue::kCapture, index_, 0);
  if (!fd) return fd.error();
  auto mapping = Mapping::map(fd->get(), planes_[0].size(), 0, true);
  if (!mapping) return mapping.error();
  // The CPU's mapping may be uncached, and the device may refer to the pixels: not to be derived.
  auto memory =
      std::make_shared<SurfaceMemory>(std::move(*fd), std::move(*mapping), true, false, "v4l2");
  given_ = true;
  receiver_ = memory;
  return memory;
}

bool CaptureMemory::gave(const SurfaceMemory& memory) const {
  std::lock_guard lock(mutex_);
  return receiver_.lock().get() == &memory;
}

bool CaptureMemory::given() const {
  std::lock_guard lock(mutex_);
  return given_;
}

// What was given away is a surface's like any other.
void DmaBufShelf::sweep() {
  std::erase_if(own_, [&](const std::shared_ptr<CaptureMemory>& own) {
    if (!own->given()) return false;
    given_.push_back(own);
    return true;
  });
  std::erase_if(given_, [](const auto& given) { return given.expired(); });
}

std::shared_ptr<CaptureMemory> DmaBufShelf::of_surface(
    const std::shared_ptr<SurfaceMemory>& memory) {
  sweep();
  for (const auto& given : given_) {
    auto known = given.lock();
    if (known == nullptr || known->dma_buf() != memory.get()) continue;
    return known->lent() ? nullptr : known;
  }
  auto added = std::make_shared<CaptureMemory>(memory, true);
  given_.push_back(added);
  return added;
}

Status DmaBufShelf::add() {
  if (own_.size() >= most_) {
    return Error{ErrorCode::kBusy,
                 "all " + std::to_string(most_) + " dma-bufs hold references or are lent"};
  }
  auto memory = cached_ ? allocator_.allocate_cached(size_) : allocator_.allocate(size_, true);
  if (!memory) return Error{ErrorCode::kSystem, memory.error().message};
  own_.push_back(std::make_shared<CaptureMemory>(std::move(*memory), false));
  return {};
}

Result<std::shared_ptr<CaptureMemory>> DmaBufShelf::take() {
  sweep();
  for (const auto& own : own_) {
    if (own.use_count() == 1 && is_ours(*own)) return own;
  }
  if (Status status = add(); !status) return status.error();
  return own_.back();
}

bool DmaBufShelf::keep(size_t count) {
  sweep();
  const auto ours = std::ranges::count_if(own_, [](const auto& own) { return is_ours(*own); });
  for (auto kept = static_cast<size_t>(ours); kept < count; ++kept) {
    if (!add()) return false;
  }
  return true;
}

// In this order: only what is lent can be given away meanwhile.
bool DmaBufShelf::is_ours(const CaptureMemory& memory) { return !memory.lent() && !memory.given(); }

}  // namespace daedalus::core
