#include "gpu_kernels/mc/h264_held_references.h"

#include <algorithm>

#include "gpu_kernels/mc/h264_tables.h"

namespace daedalus::gpu_kernels::mc {
namespace {

// Filters read up to a vector more than they need.
constexpr size_t kBeyond = 16;
// Slots beside those of a picture that needs more than there are: for references that it does not
// name, but the next one may.
constexpr size_t kSpareSlots = 2;

void copy_in(const H264McReference& from, const H264DeviceReference& to, uint8_t* samples) {
  constexpr int kMargin = H264DeviceReference::kMarginBytes;
  const auto stride = static_cast<ptrdiff_t>(to.stride);
  const int columns = static_cast<int>(to.stride);
  copy_extended_bytes(
      {from.luma, from.luma_stride, from.width, from.height},
      {-kMargin, -int{H264DeviceReference::kLumaMargin}, columns, static_cast<int>(to.luma_rows())},
      samples + to.begin, stride);
  copy_extended_pairs({from.chroma, from.chroma_stride, from.width / 2, from.height / 2},
                      {-kMargin / 2, -int{H264DeviceReference::kChromaMargin}, columns / 2,
                       static_cast<int>(to.chroma_rows())},
                      samples + to.chroma(), stride);
}

}  // namespace

Status H264HeldReferences::place(vulkan::Device& device,
                                 std::span<const H264McReference> references,
                                 std::span<const H264Prediction> predictions,
                                 H264DeviceReferences& placed) {
  placed = {};
  named_.clear();
  size_t bytes = 0;
  for (const H264Prediction& prediction : predictions) {
    for (const uint8_t index : prediction.reference) {
      if (index == H264Prediction::kNone || placed[index].has_value()) continue;
      const H264McReference& reference = references[index];
      // Tasks have room for rows of so many words.
      if (reference.width > 0xFFFF || reference.height > 0xFFFF) {
        return Error{ErrorCode::kUnsupported, "a reference is too large for the GPU's tasks"};
      }
      bytes = std::max(bytes, placed[index].emplace(reference, 0).end());
      named_.push_back(index);
    }
  }
  if (Status made = make_slots(device, bytes, named_.size()); !made.ok()) return made;

  ++picture_;
  // No slot that this picture uses is given away.
  for (const uint8_t index : named_) {
    if (Slot* const slot = find(references[index].content)) slot->last_used = picture_;
  }
  for (const uint8_t index : named_) {
    const H264McReference& reference = references[index];
    H264DeviceReference& to = *placed[index];
    Slot* slot = find(reference.content);
    const bool is_there = slot != nullptr;
    if (!is_there) slot = &longest_unused();
    slot->content = reference.content;
    slot->last_used = picture_;
    to.begin = offset_of(*slot);
    if (is_there) continue;
    copy_in(reference, to, room_.as<uint8_t>());
    ++copied_;
  }
  return {};
}

// So many at least, of so many bytes at least; a few more if there is memory for them. What is held
// is lost where there were fewer, or smaller ones.
Status H264HeldReferences::make_slots(vulkan::Device& device, size_t bytes, size_t count) {
  if (bytes <= slot_bytes_ && count <= slots_.size()) return {};
  constexpr size_t kMost = vulkan::Room::kMostBytes - kBeyond;
  // Fields fit where frames do.
  size_t each = std::max(bytes, slot_bytes_);
  if (count > kMost / each) each = bytes;
  // Where even these are too much, room_ says so.
  size_t slots = std::max(std::min(count + kSpareSlots, kMost / each), count);
  slots_.clear();
  slot_bytes_ = 0;
  Status made = room_.make(device, slots * each + kBeyond);
  if (!made.ok() && made.error().code == ErrorCode::kOutOfMemory && device.usable()) {
    slots = count;
    made = room_.make(device, slots * each + kBeyond);
  }
  if (!made.ok()) return made;
  slots_.resize(slots);
  slot_bytes_ = each;
  return {};
}

H264HeldReferences::Slot* H264HeldReferences::find(uint64_t content) {
  if (content == 0) return nullptr;
  const auto found = std::ranges::find(slots_, content, &Slot::content);
  return found == slots_.end() ? nullptr : &*found;
}

H264HeldReferences::Slot& H264HeldReferences::longest_unused() {
  return *std::ranges::min_element(slots_, {}, &Slot::last_used);
}

size_t H264HeldReferences::offset_of(const Slot& slot) const {
  return static_cast<size_t>(&slot - slots_.data()) * slot_bytes_;
}

}  // namespace daedalus::gpu_kernels::mc
