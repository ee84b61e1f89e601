#include "decode_core/av1_slot_map.h"

#include <algorithm>
#include <utility>

#include "decode_core/picture.h"

namespace daedalus::core {
namespace {

uint64_t id_of(const std::shared_ptr<Picture>& picture) {
  return picture != nullptr ? picture->id() : 0;
}

}  // namespace

bool names_references(const DecodeJob& job) {
  return std::any_of(job.references.begin(), job.references.end(),
                     [](const auto& reference) { return reference != nullptr; });
}

std::optional<uint32_t> refresh_flags_of(const DecodeJob& job) {
  const auto& frame = std::get<Av1Parameters>(job.parameters).frame;
  if (headers::av1_refreshes_all(frame)) return headers::kAv1AllSlots;
  return job.refresh_frame_flags;
}

std::optional<uint32_t> refresh_flags_from(const DecodeJob& successor, uint64_t picture) {
  if (!names_references(successor)) return std::nullopt;
  uint32_t flags = 0;
  for (size_t i = 0; i < successor.references.size(); ++i) {
    if (id_of(successor.references[i]) == picture) flags |= 1u << i;
  }
  return flags;
}

bool names_eight_references(const DecodeJob& job) {
  std::set<uint64_t> named;
  for (const auto& reference : job.references) named.insert(id_of(reference));
  named.erase(0);
  return named.size() == headers::kAv1SlotCount;
}

Av1SlotMap::Plan Av1SlotMap::plan(const DecodeJob& job, const std::optional<uint32_t>& flags) {
  const auto& frame = std::get<Av1Parameters>(job.parameters).frame;
  Plan plan;
  if (!headers::av1_is_intra(frame.frame_type)) plan_references(job, plan);
  std::set<uint64_t> kept;
  if (names_references(job)) {
    for (size_t i = 0; i < job.references.size(); ++i) {
      if (!flags.has_value() || (*flags >> i & 1) == 0) kept.insert(id_of(job.references[i]));
    }
  } else if (frame.frame_type == V4L2_AV1_KEY_FRAME && flags != headers::kAv1AllSlots) {
    // Some clients name no slots with a key frame, though one that is not shown may leave them.
    kept = live_;
  }
  kept.erase(0);
  kept.erase(job.target->id());  // its former pixels are gone
  if (flags != 0u) {
    plan.slot = find(job.target->id());
    if (!plan.slot.has_value()) plan.slot = free_slot(kept);
    plan.undecided = !plan.slot.has_value();
  }
  live_ = std::move(kept);
  if (flags != 0u) live_.insert(job.target->id());
  return plan;
}

std::optional<uint8_t> Av1SlotMap::late_slot(const DecodeJob& job) const {
  std::set<uint64_t> kept;
  for (const auto& reference : job.references) kept.insert(id_of(reference));
  return free_slot(kept);
}

void Av1SlotMap::store(uint8_t slot, uint64_t picture) { slots_[slot] = {picture, ++stores_}; }

void Av1SlotMap::clear() {
  slots_ = {};
  live_.clear();
}

std::optional<uint8_t> Av1SlotMap::find(uint64_t picture) const {
  for (size_t i = 0; i < headers::kAv1SlotCount; ++i) {
    if (picture != 0 && slots_[i].picture == picture) return static_cast<uint8_t>(i);
  }
  return std::nullopt;
}

std::optional<uint8_t> Av1SlotMap::latest() const {
  const auto latest = std::max_element(slots_.begin(), slots_.end(),
                                       [](const Slot& a, const Slot& b) { return a.age < b.age; });
  if (latest->picture == 0) return std::nullopt;
  return static_cast<uint8_t>(latest - slots_.begin());
}

std::optional<uint8_t> Av1SlotMap::free_slot(const std::set<uint64_t>& kept) const {
  for (size_t i = 0; i < headers::kAv1SlotCount; ++i) {
    if (!kept.contains(slots_[i].picture)) return static_cast<uint8_t>(i);
  }
  return std::nullopt;
}

void Av1SlotMap::plan_references(const DecodeJob& job, Plan& plan) const {
  const auto& frame = std::get<Av1Parameters>(job.parameters).frame;
  for (size_t i = 0; i < plan.ref_frame_idx.size(); ++i) {
    const auto index = static_cast<size_t>(frame.ref_frame_idx[i]);
    std::optional<uint8_t> slot;
    if (index < job.references.size()) slot = find(id_of(job.references[index]));
    if (!slot.has_value()) {
      slot = latest();
      plan.substituted = true;
    }
    plan.lost = plan.lost || !slot.has_value();
    plan.ref_frame_idx[i] = slot.value_or(0);
  }
}

}  // namespace daedalus::core
