#include "decode_core/hardware/av1_slot_decoder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "decode_core/av1_slot_map.h"
#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/picture.h"

namespace daedalus::core {
namespace {

using headers::kAv1SlotCount;

class Av1SlotDecoder final : public Decoder {
 public:
  explicit Av1SlotDecoder(std::unique_ptr<Decoder> hardware) : hardware_(std::move(hardware)) {}

  bool wants_successor(const DecodeJob& job) const override {
    return !refresh_flags_of(job).has_value() && names_eight_references(job);
  }

  void foresee(const DecodeJob& job, const DecodeJob& successor) override {
    foreseen_ = refresh_flags_from(successor, job.target->id());
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    const auto foreseen = std::exchange(foreseen_, std::nullopt);
    const auto told = refresh_flags_of(job);
    const uint32_t redecoded = decode_undecided(job);
    const Av1SlotMap::Plan plan = slots_.plan(job, told.has_value() ? told : foreseen);
    // Pictures keep their session alive, and with it this decoder: it keeps no job's, but the
    // hardware's own ones of the slots, which belong to no session.
    DecodeJob placed = job;
    DecodeOutcome outcome = decode_into(plan.slot, plan.ref_frame_idx, job.target->id(), placed);
    outcome.redecoded = redecoded;
    if (plan.substituted) {
      outcome.concealed = outcome.frame.has_value();
      outcome.device_error = false;
    }
    if (plan.undecided && outcome.frame.has_value()) remember(job.target->id(), std::move(placed));
    return outcome;
  }

 private:
  using ReferenceIndices = decltype(Av1SlotMap::Plan::ref_frame_idx);

  // A picture that was decoded and may have to be decoded once more, into a slot.
  struct Undecided {
    uint64_t picture;
    DecodeJob job;
  };
  static constexpr size_t kMostUndecided = kAv1SlotCount;

  // Gives `job` its place among the slots, and a target of the hardware's own.
  DecodeOutcome decode_into(std::optional<uint8_t> slot, const ReferenceIndices& references,
                            uint64_t picture, DecodeJob& job) {
    auto& frame = std::get<Av1Parameters>(job.parameters).frame;
    std::copy(references.begin(), references.end(), std::begin(frame.ref_frame_idx));
    uint32_t flags = slot.has_value() ? 1u << *slot : 0;
    if (headers::av1_refreshes_all(frame)) flags = headers::kAv1AllSlots;
    frame.refresh_frame_flags = static_cast<uint8_t>(flags);
    job.refresh_frame_flags = flags;
    const auto shown = std::exchange(job.target, std::make_shared<Picture>());
    if (shown != nullptr) job.target->set_destination(shown->destination());
    job.references.assign(pictures_.begin(), pictures_.end());
    DecodeOutcome outcome = hardware_->decode(job);
    job.target->set_destination(std::nullopt);
    if (outcome.concealed) job.target->note_concealed();
    if (!slot.has_value()) return outcome;
    if (outcome.frame.has_value()) {
      slots_.store(*slot, picture);
      pictures_[*slot] = job.target;
    } else {
      slots_.drop(*slot);
      pictures_[*slot].reset();
    }
    return outcome;
  }

  // The references of a job tell which earlier pictures were stored after all, and which of the
  // slots' pictures they replaced. Returns how many were decoded once more.
  uint32_t decode_undecided(const DecodeJob& job) {
    if (!names_references(job)) return 0;
    uint32_t count = 0;
    for (Undecided& undecided : std::exchange(undecided_, {})) {
      const bool stored = std::ranges::any_of(job.references, [&](const auto& reference) {
        return reference != nullptr && reference->id() == undecided.picture;
      });
      if (!stored || slots_.holds(undecided.picture)) continue;
      const auto slot = slots_.late_slot(job);
      if (!slot.has_value()) continue;
      const auto& frame = std::get<Av1Parameters>(undecided.job.parameters).frame;
      ReferenceIndices references{};
      std::copy(std::begin(frame.ref_frame_idx), std::end(frame.ref_frame_idx), references.begin());
      const auto again = decode_into(slot, references, undecided.picture, undecided.job);
      if (again.frame.has_value()) ++count;
    }
    return count;
  }

  void remember(uint64_t picture, DecodeJob placed) {
    placed.target.reset();
    placed.display.reset();
    placed.references.clear();
    if (undecided_.size() == kMostUndecided) undecided_.pop_front();
    undecided_.push_back({picture, std::move(placed)});
  }

  const std::unique_ptr<Decoder> hardware_;
  Av1SlotMap slots_;
  std::array<std::shared_ptr<Picture>, kAv1SlotCount> pictures_;  // as the hardware knows them
  std::deque<Undecided> undecided_;
  std::optional<uint32_t> foreseen_;  // refresh_frame_flags of the next job
};

}  // namespace

std::unique_ptr<Decoder> create_av1_slot_decoder(std::unique_ptr<Decoder> hardware) {
  return std::make_unique<Av1SlotDecoder>(std::move(hardware));
}

}  // namespace daedalus::core
