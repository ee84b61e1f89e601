// Av1SlotMap: which picture each of a decoder's eight slots of AV1 holds. What it is told of them
// is ours, and so is the choice: one slot a picture, whatever slots the client has it in.
#ifndef DAEDALUS_DECODE_CORE_AV1_SLOT_MAP_H_
#define DAEDALUS_DECODE_CORE_AV1_SLOT_MAP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/job.h"

namespace daedalus::core {

// refresh_frame_flags of a job of AV1, where it tells them: shown key frames and switch frames
// replace all (5.9.2).
std::optional<uint32_t> refresh_flags_of(const DecodeJob& job);
// The same as the references of the job after it tell them; nothing where it names none.
std::optional<uint32_t> refresh_flags_from(const DecodeJob& successor, uint64_t picture);
// Whether any slot is said to hold a picture.
bool names_references(const DecodeJob& job);
// Whether all eight slots hold pictures, each another one.
bool names_eight_references(const DecodeJob& job);

// Pictures by their ids (Picture::id), which keep nothing alive.
class Av1SlotMap {
 public:
  struct Plan {
    // The slots of the frame's references; of inter frames.
    std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> ref_frame_idx{};
    // Where the picture goes; nothing where it is no reference, or there is no room.
    std::optional<uint8_t> slot;
    // There is no room: each slot holds a picture that may still be referred to. A later job's
    // references tell whether this one was a reference; it must then be decoded once more.
    bool undecided = false;
    // Another picture stands in for a reference that no slot holds.
    bool substituted = false;
    // A reference that no slot holds, and none to stand in.
    bool lost = false;
  };

  // Of a validated job of AV1; to be followed by store() or drop() of its slot, if it has one.
  // `flags`: refresh_frame_flags as refresh_flags_of() has them.
  Plan plan(const DecodeJob& job, const std::optional<uint32_t>& flags);

  // A slot for a picture that was undecided and that `job` has among its references.
  std::optional<uint8_t> late_slot(const DecodeJob& job) const;

  void store(uint8_t slot, uint64_t picture);
  void drop(uint8_t slot) { slots_[slot] = {}; }
  // A new coded video sequence: every slot is empty.
  void clear();

  bool holds(uint64_t picture) const { return find(picture).has_value(); }
  // 0: the slot is empty.
  uint64_t picture_in(size_t slot) const { return slots_[slot].picture; }

 private:
  struct Slot {
    uint64_t picture = 0;  // 0: empty
    uint64_t age = 0;      // of the stores, the how-manieth
  };

  std::optional<uint8_t> find(uint64_t picture) const;
  std::optional<uint8_t> latest() const;
  std::optional<uint8_t> free_slot(const std::set<uint64_t>& kept) const;
  void plan_references(const DecodeJob& job, Plan& plan) const;

  std::array<Slot, headers::kAv1SlotCount> slots_;
  uint64_t stores_ = 0;
  // Pictures that may be referred to after the last job.
  std::set<uint64_t> live_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_AV1_SLOT_MAP_H_
