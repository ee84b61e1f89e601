// VP9: the client sends whole frames, so everything is read from the frame's own headers. VA's
// parameters say which surfaces stand in the eight slots.
#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/headers/vp9_uncompressed_header.h"
#include "va_driver/job_builder.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

using headers::kVp9ReferenceCount;
using headers::kVp9SlotCount;

// Kept with each decoded surface.
struct Vp9State : ChainState {
  headers::Vp9HeaderParser parser;  // after this frame
  uint32_t width = 0;               // of this frame, luma samples
  uint32_t height = 0;
  uint64_t order = 0;  // frames of the chain before this one
};

class Vp9Builder : public JobBuilder {
 public:
  explicit Vp9Builder(core::Profile profile)
      : JobBuilder(
            {sizeof(VADecPictureParameterBufferVP9), 0, 0, sizeof(VASliceParameterBufferVP9)}),
        bit_depth_(profile == core::Profile::kVp9Profile2 ? 10 : 8) {}

 private:
  void reset() override {}
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t*) override {}
  void take_probability(const uint8_t*) override {}
  void take_slice(const uint8_t*) override {}

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  // The parser's state before this frame, and how many frames went before.
  std::shared_ptr<Vp9State> state_before(
      const std::array<std::shared_ptr<const Vp9State>, kVp9SlotCount>& slots) const;
  VAStatus check(const headers::Vp9Header& header) const;

  const int bit_depth_;
  VADecPictureParameterBufferVP9 picture_{};
  std::shared_ptr<const Vp9State> last_;  // of the context's last frame
};

std::shared_ptr<Vp9State> Vp9Builder::state_before(
    const std::array<std::shared_ptr<const Vp9State>, kVp9SlotCount>& slots) const {
  // A context made anew in mid-stream goes on from the youngest frame that the slots hold.
  const Vp9State* last = last_.get();
  for (const auto& slot : slots) {
    if (!last_ && slot && (!last || slot->order > last->order)) last = slot.get();
  }
  auto state = std::make_shared<Vp9State>();
  if (last) {
    state->parser = last->parser;
    state->order = last->order + 1;
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    state->parser.set_slot_size(i, slots[i] ? slots[i]->width : 0, slots[i] ? slots[i]->height : 0);
  }
  return state;
}

VAStatus Vp9Builder::check(const headers::Vp9Header& header) const {
  if (header.show_existing_frame) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a VP9 frame that only shows another one");
  }
  constexpr uint32_t k420 = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;
  if (header.frame.bit_depth != bit_depth_ || (header.frame.flags & k420) != k420) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT,
                  "VP9 of %d bits, frame flags 0x%x; the config decodes %d bits 4:2:0",
                  header.frame.bit_depth, header.frame.flags, bit_depth_);
  }
  if (header.width() > core::kMaxDimension || header.height() > core::kMaxDimension) {
    return refuse(VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED, "VP9 of %ux%u", header.width(),
                  header.height());
  }
  return VA_STATUS_SUCCESS;
}

VAStatus Vp9Builder::build(References& references, std::span<const Slice> slices,
                           std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (slices.size() != 1) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a VP9 frame in %zu slices", slices.size());
  }
  std::array<Reference, kVp9SlotCount> slots;
  std::array<std::shared_ptr<const Vp9State>, kVp9SlotCount> slot_states;
  for (size_t i = 0; i < kVp9SlotCount; ++i) {
    slots[i] = references.resolve(picture_.reference_frames[i]);
    slot_states[i] = std::dynamic_pointer_cast<const Vp9State>(slots[i].state);
  }

  const core::ByteRange frame = slices.front().range;
  auto state = state_before(slot_states);
  auto header = state->parser.parse(std::span(bitstream).subspan(frame.offset, frame.size));
  if (!header.ok()) return refuse(header.error());
  if (VAStatus status = check(*header)) return status;
  state->parser.update(*header);
  state->width = header->width();
  state->height = header->height();

  core::DecodeJob& job = out->job;
  job.parameters = core::Vp9Parameters{header->frame};
  job.refresh_frame_flags = header->refresh_frame_flags;
  job.references.resize(kVp9ReferenceCount);
  if (!header->intra()) {
    for (size_t i = 0; i < kVp9ReferenceCount; ++i) {
      job.references[i] = slots[header->ref_frame_idx[i]].picture;
    }
  }
  if (!header->key_frame) {
    for (const Reference& slot : slots) {
      if (slot.picture) out->chain.push_back(slot.picture);
    }
  }
  job.slices.push_back(frame);
  job.bitstream = std::move(bitstream);
  out->state = last_ = std::move(state);
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_vp9_builder(core::Profile profile) {
  return std::make_unique<Vp9Builder>(profile);
}

}  // namespace daedalus::va
