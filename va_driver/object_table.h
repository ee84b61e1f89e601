// ObjectTable: the ids that a client holds for objects of one kind. It grows with use, and an id
// that was destroyed is refused, not taken for the object that got its place.
#ifndef DAEDALUS_VA_DRIVER_OBJECT_TABLE_H_
#define DAEDALUS_VA_DRIVER_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace daedalus::va {

// The kind is part of the id, so that a buffer's id is no surface.
enum class ObjectKind : uint32_t { kConfig = 1, kContext, kSurface, kBuffer, kImage };

// Owns its objects together with whoever looked them up. Not thread-safe: the display's mutex
// guards it. An id is kind (3 bits), generation (9 bits), slot (20 bits); never 0 or 0xffffffff.
template <typename Object>
class ObjectTable {
 public:
  static constexpr uint32_t kSlotBits = 20;
  static constexpr uint32_t kGenerationBits = 9;
  static constexpr size_t kMaxObjects = size_t{1} << kSlotBits;
  // Slots that stay free before one is used again: a stale id meets its own slot's next object
  // only after as many creations.
  static constexpr size_t kMinFree = 256;

  explicit ObjectTable(ObjectKind kind) : kind_(kind) {}

  // The new object's id; nullopt if kMaxObjects are alive. Nothing changes if memory runs out.
  std::optional<uint32_t> insert(std::shared_ptr<Object> object) {
    if (free_.size() <= kMinFree && slots_.size() < kMaxObjects) {
      slots_.emplace_back();
      slots_.back().object = std::move(object);
      ++size_;
      return id_of(slots_.size() - 1);
    }
    if (free_.empty()) return std::nullopt;
    const uint32_t index = free_.front();
    free_.pop_front();
    slots_[index].object = std::move(object);
    ++size_;
    return id_of(index);
  }

  // Null if `id` names no living object of this kind.
  std::shared_ptr<Object> find(uint32_t id) const {
    const std::optional<uint32_t> index = index_of(id);
    return index ? slots_[*index].object : nullptr;
  }

  // Gives the table's share of the object back, so that the caller can drop it unlocked; null if
  // `id` names none.
  std::shared_ptr<Object> remove(uint32_t id) {
    const std::optional<uint32_t> index = index_of(id);
    if (!index) return nullptr;
    free_.push_back(*index);
    Slot& slot = slots_[*index];
    slot.generation = (slot.generation + 1) & ((1u << kGenerationBits) - 1);
    --size_;
    return std::exchange(slot.object, nullptr);
  }

  // Every living object; the table is empty afterwards.
  std::vector<std::shared_ptr<Object>> take_all() {
    std::vector<std::shared_ptr<Object>> all;
    all.reserve(size_);
    for (Slot& slot : slots_) {
      if (slot.object) all.push_back(std::move(slot.object));
    }
    slots_.clear();
    free_.clear();
    size_ = 0;
    return all;
  }

  size_t size() const { return size_; }

 private:
  struct Slot {
    std::shared_ptr<Object> object;
    uint32_t generation = 0;
  };

  uint32_t id_of(size_t index) const {
    return static_cast<uint32_t>(kind_) << (kSlotBits + kGenerationBits) |
           slots_[index].generation << kSlotBits | static_cast<uint32_t>(index);
  }
  std::optional<uint32_t> index_of(uint32_t id) const {
    const uint32_t index = id & ((1u << kSlotBits) - 1);
    if (index >= slots_.size() || !slots_[index].object || id_of(index) != id) return std::nullopt;
    return index;
  }

  const ObjectKind kind_;
  std::vector<Slot> slots_;
  std::deque<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_OBJECT_TABLE_H_
