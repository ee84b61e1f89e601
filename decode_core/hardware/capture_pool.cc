#include "decode_core/hardware/capture_pool.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/log.h"
#include "decode_core/hardware/capture_format.h"
#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/picture.h"

namespace daedalus::core {
namespace {

constexpr size_t kVp9Slots = 8;
constexpr size_t kMpeg2Anchors = 2;

bool is_mpeg2_anchor(const DecodeJob& job) {
  const auto* mpeg2 = std::get_if<Mpeg2Parameters>(&job.parameters);
  return mpeg2 != nullptr && mpeg2->picture.picture_coding_type != V4L2_MPEG2_PIC_CODING_TYPE_B;
}

bool refers(const H264Parameters& parameters, size_t index) {
  return (parameters.decode.dpb[index].flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE) != 0;
}
bool refers(const HevcParameters& parameters, size_t index) {
  const v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  const auto has = [&](const uint8_t* set, uint8_t count) {
    return std::find(set, set + count, index) != set + count;
  };
  return has(decode.poc_st_curr_before, decode.num_poc_st_curr_before) ||
         has(decode.poc_st_curr_after, decode.num_poc_st_curr_after) ||
         has(decode.poc_lt_curr, decode.num_poc_lt_curr);
}
bool refers(const Vp9Parameters& parameters, size_t /*index*/) {
  return (parameters.frame.flags &
          (V4L2_VP9_FRAME_FLAG_KEY_FRAME | V4L2_VP9_FRAME_FLAG_INTRA_ONLY)) == 0;
}
bool refers(const Vp8Parameters& parameters, size_t /*index*/) {
  return !V4L2_VP8_FRAME_IS_KEY_FRAME(&parameters.frame);
}
bool refers(const Mpeg2Parameters& parameters, size_t index) {
  const uint8_t type = parameters.picture.picture_coding_type;
  if (type == V4L2_MPEG2_PIC_CODING_TYPE_B) return true;
  return type == V4L2_MPEG2_PIC_CODING_TYPE_P && index == 0;
}
bool refers(const Av1Parameters& parameters, size_t index) {
  if (headers::av1_is_intra(parameters.frame.frame_type)) return false;
  return std::ranges::find(parameters.frame.ref_frame_idx, static_cast<int>(index)) !=
         std::end(parameters.frame.ref_frame_idx);
}

}  // namespace

bool refers_to(const DecodeJob& job, size_t index) {
  if (index >= job.references.size() || job.references[index] == nullptr) return false;
  return std::visit([=](const auto& parameters) { return refers(parameters, index); },
                    job.parameters);
}

std::vector<uint64_t> ReferenceKeeper::needed(const DecodeJob& job) const {
  std::vector<uint64_t> ids = kept_;
  // B pictures refer to the latest two, of which this will be one.
  const bool succeeds = is_mpeg2_anchor(job) && job.field != FieldRole::kSecondField;
  if (succeeds && ids.size() == kMpeg2Anchors) ids.erase(ids.begin());
  for (const auto& reference : job.references) {
    if (reference != nullptr) ids.push_back(reference->id());
  }
  return ids;
}

void ReferenceKeeper::note(const DecodeJob& job) {
  if (const auto* vp9 = std::get_if<Vp9Parameters>(&job.parameters)) {
    kept_.resize(kVp9Slots);
    const bool key = (vp9->frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME) != 0;
    const uint32_t refreshed = key ? 0xff : job.refresh_frame_flags.value_or(0);
    for (size_t slot = 0; slot < kVp9Slots; ++slot) {
      if ((refreshed >> slot & 1) != 0) kept_[slot] = job.target->id();
    }
  } else if (is_mpeg2_anchor(job) && job.field != FieldRole::kSecondField) {
    if (kept_.size() == kMpeg2Anchors) kept_.erase(kept_.begin());
    kept_.push_back(job.target->id());
  }
}

Result<std::unique_ptr<CapturePool>> CapturePool::allocate(VideoNode& node,
                                                           const QueueFormat& format,
                                                           uint32_t count,
                                                           MemoryAllocator* dma_bufs) {
  const auto granted = node.request_buffers(
      Queue::kCapture, count, dma_bufs == nullptr ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF);
  if (!granted) return granted.error();
  std::unique_ptr<CapturePool> pool(new CapturePool(node, format));
  pool->count_ = granted->count;
  pool->may_lend_ =
      dma_bufs != nullptr || (granted->capabilities & V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS) != 0;
  if (dma_bufs != nullptr) {
    const bool packed = is_packed_capture(format.fourcc);
    pool->dma_bufs_.emplace(*dma_bufs, format.sizes[0], kMostBuffers, packed);
    pool->buffers_.resize(granted->count);
    Status status = pool->try_dma_bufs(packed ? granted->count : 1);
    if (!status) return status.error();
    return pool;
  }
  for (uint32_t i = 0; i < granted->count; ++i) {
    if (Status status = pool->append(i); !status) return status.error();
  }
  return pool;
}

// A surface's memory that is refused costs nothing, but without ours there is no picture: drivers
// may take contiguous memory only. A queue that does not stream gives all back (VIDIOC_STREAMOFF).
Status CapturePool::try_dma_bufs(size_t count) {
  if (buffers_.empty()) return Error{ErrorCode::kSystem, node_.path() + ": no CAPTURE buffers"};
  for (size_t i = 0; i < count; ++i) {
    auto memory = dma_bufs_->take();
    if (!memory) return memory.error();
    if (Status status = hand_over_dma_buf(buffers_[i], std::move(*memory)); !status) return status;
  }
  return node_.stream(Queue::kCapture, false);
}

Status CapturePool::append(uint32_t index) {
  auto planes = node_.map_buffer(Queue::kCapture, index);
  if (!planes) return planes.error();
  buffers_.emplace_back().memory =
      std::make_shared<CaptureMemory>(node_, index, std::move(*planes));
  return {};
}

// A driver that refused once is not asked again.
bool CapturePool::grow() {
  if (!may_grow_ || buffers_.size() >= kMostBuffers) return false;
  const auto created = node_.create_buffers(Queue::kCapture, 1, 0);
  may_grow_ = created && created->count == 1 && created->first == buffers_.size() &&
              append(created->first).ok();
  return may_grow_;
}

std::shared_ptr<const void> CapturePool::lend(uint32_t index) {
  if (!may_lend_) return nullptr;
  if (dma_bufs_) {
    if (!given(index) && !dma_bufs_->keep(count_ + 1)) return nullptr;
  } else if (!given(index)) {
    const auto gone = std::ranges::count_if(buffers_, [](const Buffer& buffer) {
      return buffer.memory->lent() || buffer.memory->given();
    });
    if (buffers_.size() < count_ + static_cast<size_t>(gone) + 1 && !grow()) return nullptr;
  }
  return CaptureMemory::lend(buffers_[index].memory);
}

std::shared_ptr<FrameExporter> CapturePool::exporter(uint32_t index) const {
  return format_.planes == 1 ? buffers_[index].memory : nullptr;
}

CapturePool::~CapturePool() {
  for (const Buffer& buffer : buffers_) {
    if (buffer.memory != nullptr) buffer.memory->detach();
  }
}

// Where the queue takes dma-bufs, the memory that a buffer had is no reason to pass it by.
CapturePool::Buffer* CapturePool::choose(std::span<const uint64_t> needed,
                                         const Destination* destination) {
  Buffer* best = nullptr;
  Buffer* wanted = nullptr;
  const bool mapped = !dma_bufs_;
  for (Buffer& buffer : buffers_) {
    if (buffer.queued) return &buffer;  // the driver fills it first
    if (mapped && buffer.memory->lent()) continue;
    if (is_needed(buffer, needed)) continue;
    if (has(buffer, destination)) wanted = &buffer;
    if (mapped && buffer.memory->given()) continue;
    const auto age = [](const Buffer& b) { return b.picture.expired() ? 0 : b.used; };
    if (best == nullptr || age(buffer) < age(*best)) best = &buffer;
  }
  return wanted != nullptr ? wanted : best;
}

bool CapturePool::is_needed(const Buffer& buffer, std::span<const uint64_t> needed) {
  return buffer.picture_id != 0 && std::ranges::find(needed, buffer.picture_id) != needed.end();
}

bool CapturePool::has(const Buffer& buffer, const Destination* destination) {
  return destination != nullptr && buffer.memory != nullptr &&
         buffer.memory->gave(*destination->memory);
}

Status CapturePool::hand_over_dma_buf(Buffer& buffer, std::shared_ptr<CaptureMemory> memory) {
  const auto index = static_cast<uint32_t>(&buffer - buffers_.data());
  memory->end_cpu_read();
  if (Status status = node_.queue_capture(index, format_, memory->dma_buf()); !status) {
    return status;
  }
  buffer.memory = std::move(memory);
  return {};
}

// Queues it for a picture that goes to `destination` if it can.
Status CapturePool::hand_over(Buffer& buffer, std::span<const uint64_t> needed,
                              const Destination* destination) {
  const auto index = static_cast<uint32_t>(&buffer - buffers_.data());
  if (!dma_bufs_) return node_.queue_capture(index, format_);
  // Of a buffer that was not chosen the picture may still be needed.
  const bool elsewhere =
      !has(buffer, destination) &&
      std::ranges::any_of(buffers_, [&](const Buffer& other) { return has(other, destination); });
  if (destination != nullptr && !elsewhere && suits(*destination, format_)) {
    if (auto memory = dma_bufs_->of_surface(destination->memory)) {
      const Status status = hand_over_dma_buf(buffer, std::move(memory));
      if (status.ok()) return status;
      log(LogLevel::kDebug, "a surface is not decoded into: %s", status.error().message.c_str());
    }
  }
  if (buffer.memory != nullptr && DmaBufShelf::is_ours(*buffer.memory)) {
    return hand_over_dma_buf(buffer, buffer.memory);
  }
  auto memory = dma_bufs_->take();
  if (memory) return hand_over_dma_buf(buffer, std::move(*memory));
  // That of a picture that is not needed either.
  for (Buffer& other : buffers_) {
    if (is_needed(other, needed) || other.memory == nullptr) continue;
    if (!DmaBufShelf::is_ours(*other.memory)) continue;
    other.picture_id = 0;
    return hand_over_dma_buf(buffer, std::exchange(other.memory, nullptr));
  }
  return memory.error();
}

Result<uint32_t> CapturePool::queue(const std::shared_ptr<Picture>& picture, uint64_t timestamp,
                                    std::span<const uint64_t> needed,
                                    const Destination* destination) {
  ++uses_;
  for (Buffer& buffer : buffers_) {
    if (std::ranges::find(needed, buffer.picture_id) != needed.end()) buffer.used = uses_;
    if (buffer.picture_id == picture->id()) buffer.picture_id = 0;  // it is decoded anew
  }
  Buffer* chosen = choose(needed, destination);
  if (chosen == nullptr) {
    return Error{ErrorCode::kBusy, node_.path() + ": all " + std::to_string(buffers_.size()) +
                                       " CAPTURE buffers hold references or are lent"};
  }
  const auto index = static_cast<uint32_t>(chosen - buffers_.data());
  if (!chosen->queued) {
    if (Status status = hand_over(*chosen, needed, destination); !status) return status.error();
  }
  chosen->queued = true;
  chosen->picture = picture;
  chosen->picture_id = picture->id();
  chosen->timestamp = timestamp;
  chosen->used = uses_;
  return index;
}

Status CapturePool::queue_again(uint32_t index) {
  Buffer& buffer = buffers_[index];
  Status status =
      dma_bufs_ ? hand_over_dma_buf(buffer, buffer.memory) : node_.queue_capture(index, format_);
  buffer.queued = status.ok();
  return status;
}

void CapturePool::dequeued(uint32_t index) {
  if (index >= buffers_.size() || buffers_[index].memory == nullptr) return;
  buffers_[index].queued = false;
  buffers_[index].memory->begin_cpu_read();
}

void CapturePool::forget(uint32_t index) {
  buffers_[index].picture.reset();
  buffers_[index].picture_id = 0;
}

std::optional<uint32_t> CapturePool::find(uint64_t picture) const {
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].picture_id == picture) return static_cast<uint32_t>(i);
  }
  return std::nullopt;
}

std::optional<uint64_t> CapturePool::timestamp_of(uint64_t picture) const {
  const auto index = find(picture);
  if (!index) return std::nullopt;
  return buffers_[*index].timestamp;
}

}  // namespace daedalus::core
