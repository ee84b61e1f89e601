// AV1: pictures of tiles. What VA's parameters do not carry: order hints of the references, which
// are kept with the surfaces, and which slots the picture refreshes, which the client's own frame
// header tells where it sends it.
#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "decode_core/headers/av1_order_hints.h"
#include "va_driver/av1_header_bytes.h"
#include "va_driver/av1_parameters.h"
#include "va_driver/job_builder.h"
#include "va_driver/status.h"

namespace daedalus::va {
namespace {

using headers::kAv1SlotCount;

// Kept with each decoded surface.
struct Av1State : ChainState {
  headers::Av1Frame frame;  // what VA told of it
};

class Av1Builder : public JobBuilder {
 public:
  Av1Builder()
      : JobBuilder(
            {sizeof(VADecPictureParameterBufferAV1), 0, 0, sizeof(VASliceParameterBufferAV1)}) {}

 private:
  struct Place {
    uint32_t row;
    uint32_t column;
  };

  void reset() override { places_.clear(); }
  void take_picture(const uint8_t* parameters) override {
    std::memcpy(&picture_, parameters, sizeof picture_);
  }
  void take_iq_matrix(const uint8_t*) override {}
  void take_probability(const uint8_t*) override {}
  void take_slice(const uint8_t* parameters) override {
    VASliceParameterBufferAV1 tile;
    std::memcpy(&tile, parameters, sizeof tile);
    places_.push_back({tile.tile_row, tile.tile_column});
  }

  VAStatus build(References& references, std::span<const Slice> slices,
                 std::vector<uint8_t>& bitstream, BuiltJob* out) override;

  VAStatus check_picture() const;
  VAStatus check_tiles(std::span<const Slice> slices, size_t coded_bytes) const;
  bool intra() const { return headers::av1_is_intra(picture_.pic_info_fields.bits.frame_type); }
  static void add_order_hints(const headers::Av1Slots& slots, core::Av1Parameters* parameters);
  std::optional<uint32_t> refresh_frame_flags(std::span<const Slice> slices,
                                              std::span<const uint8_t> bitstream,
                                              const core::Av1Parameters& parameters,
                                              const headers::Av1Slots& slots);
  void add_tiles(std::span<const Slice> slices, std::span<const uint8_t> bitstream,
                 core::Av1Parameters* parameters, core::DecodeJob* job) const;

  VADecPictureParameterBufferAV1 picture_{};
  std::vector<Place> places_;  // by slice
  Av1HeaderBytes header_bytes_;
};

VAStatus Av1Builder::check_picture() const {
  const auto& info = picture_.seq_info_fields.fields;
  if (picture_.pic_info_fields.bits.large_scale_tile || picture_.anchor_frames_num != 0) {
    return refuse(VA_STATUS_ERROR_UNIMPLEMENTED, "AV1 of large scale tiles");
  }
  const bool subsampled = info.mono_chrome || (info.subsampling_x && info.subsampling_y);
  if (picture_.profile != 0 || picture_.bit_depth_idx > 1 || !subsampled) {
    return refuse(
        VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT,
        "AV1 of profile %d, bit depth index %d; the profile is Main, 8 and 10 bits, 4:2:0",
        picture_.profile, picture_.bit_depth_idx);
  }
  if (picture_.tile_cols == 0 || picture_.tile_cols > V4L2_AV1_MAX_TILE_COLS ||
      picture_.tile_rows == 0 || picture_.tile_rows > V4L2_AV1_MAX_TILE_ROWS) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "AV1 of %dx%d tiles", picture_.tile_cols,
                  picture_.tile_rows);
  }
  if (picture_.context_update_tile_id >= picture_.tile_cols * picture_.tile_rows ||
      picture_.context_update_tile_id > UINT8_MAX) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "AV1: context_update_tile_id %d",
                  picture_.context_update_tile_id);
  }
  for (const uint8_t slot : picture_.ref_frame_idx) {
    if (slot >= kAv1SlotCount && !intra()) {
      return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "AV1: ref_frame_idx %d", slot);
    }
  }
  const VAFilmGrainStructAV1& grain = picture_.film_grain_info;
  if (grain.num_y_points > std::size(grain.point_y_value) ||
      grain.num_cb_points > std::size(grain.point_cb_value) ||
      grain.num_cr_points > std::size(grain.point_cr_value)) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "AV1 film grain of %d, %d and %d points",
                  grain.num_y_points, grain.num_cb_points, grain.num_cr_points);
  }
  return VA_STATUS_SUCCESS;
}

// For hardware, which takes the structure as it is; dav1d finds them itself.
void Av1Builder::add_order_hints(const headers::Av1Slots& slots, core::Av1Parameters* parameters) {
  v4l2_ctrl_av1_frame& frame = parameters->frame;
  std::array<uint32_t, V4L2_AV1_REFS_PER_FRAME> hints{};
  for (size_t i = 0; i < hints.size(); ++i) {
    const headers::Av1Frame& reference = slots[frame.ref_frame_idx[i]];
    if (reference != nullptr) hints[i] = reference->frame.order_hint;
    frame.order_hints[V4L2_AV1_REF_LAST_FRAME + i] = hints[i];
  }
  if ((frame.flags & V4L2_AV1_FRAME_FLAG_REFERENCE_SELECT) == 0) return;
  const auto skip_mode =
      headers::av1_skip_mode_frames(parameters->sequence.order_hint_bits, frame.order_hint, hints);
  if (!skip_mode) return;
  frame.flags |= V4L2_AV1_FRAME_FLAG_SKIP_MODE_ALLOWED;
  std::copy(skip_mode->begin(), skip_mode->end(), frame.skip_mode_frame);
}

// The tiles' bytes alone: a client may send those of all tiles with each of them.
void Av1Builder::add_tiles(std::span<const Slice> slices, std::span<const uint8_t> bitstream,
                           core::Av1Parameters* parameters, core::DecodeJob* job) const {
  size_t bytes = 0;
  for (const Slice& slice : slices) bytes += slice.range.size;
  job->bitstream.reserve(bytes);
  job->slices.reserve(slices.size());
  parameters->tiles.reserve(slices.size());
  for (const Slice& slice : slices) {
    const Place& place = places_[slice.parameters];
    const auto offset = static_cast<uint32_t>(job->bitstream.size());
    const auto tile = bitstream.subspan(slice.range.offset, slice.range.size);
    job->bitstream.insert(job->bitstream.end(), tile.begin(), tile.end());
    job->slices.push_back({offset, slice.range.size});
    parameters->tiles.push_back({offset, slice.range.size, place.row, place.column});
  }
}

// Where the frame does not take every slot, the client's bytes may tell.
std::optional<uint32_t> Av1Builder::refresh_frame_flags(std::span<const Slice> slices,
                                                        std::span<const uint8_t> bitstream,
                                                        const core::Av1Parameters& parameters,
                                                        const headers::Av1Slots& slots) {
  if (headers::av1_refreshes_all(parameters.frame)) return headers::kAv1AllSlots;
  const auto before_tiles = bitstream.first(slices.front().range.offset);
  return header_bytes_.refresh_frame_flags(before_tiles, parameters, slots);
}

// Before they are copied: no byte is in two tiles.
VAStatus Av1Builder::check_tiles(std::span<const Slice> slices, size_t coded_bytes) const {
  const uint32_t tiles = uint32_t{picture_.tile_cols} * picture_.tile_rows;
  uint64_t bytes = 0;
  for (const Slice& slice : slices) bytes += slice.range.size;
  if (slices.size() <= tiles && bytes <= coded_bytes) return VA_STATUS_SUCCESS;
  return refuse(VA_STATUS_ERROR_INVALID_PARAMETER,
                "%zu AV1 tiles of %llu bytes, in a picture of %u tiles and %zu bytes",
                slices.size(), static_cast<unsigned long long>(bytes), tiles, coded_bytes);
}

VAStatus Av1Builder::build(References& references, std::span<const Slice> slices,
                           std::vector<uint8_t>& bitstream, BuiltJob* out) {
  if (VAStatus status = check_picture()) return status;
  if (VAStatus status = check_tiles(slices, bitstream.size())) return status;
  core::Av1Parameters parameters = av1_parameters(picture_);
  const v4l2_ctrl_av1_frame& frame = parameters.frame;
  core::DecodeJob& job = out->job;
  headers::Av1Slots slots;
  for (size_t i = 0; i < kAv1SlotCount; ++i) {
    const Reference reference = references.resolve(picture_.ref_frame_map[i]);
    job.references.push_back(reference.picture);
    const auto* state = dynamic_cast<const Av1State*>(reference.state.get());
    if (state != nullptr) slots[i] = state->frame;
  }
  if (!intra()) add_order_hints(slots, &parameters);
  job.refresh_frame_flags = refresh_frame_flags(slices, bitstream, parameters, slots);
  auto told = std::make_shared<headers::Av1FrameHeader>();
  told->frame = frame;
  told->film_grain = parameters.film_grain;
  auto state = std::make_shared<Av1State>();
  state->frame = std::move(told);
  out->state = std::move(state);
  out->target_surface = picture_.current_frame;
  if (parameters.film_grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) {
    job.display = std::make_shared<core::Picture>();
    out->display_surface = picture_.current_display_picture;
  }
  add_tiles(slices, bitstream, &parameters, &job);
  job.parameters = std::move(parameters);
  return VA_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<JobBuilder> create_av1_builder() { return std::make_unique<Av1Builder>(); }

}  // namespace daedalus::va
