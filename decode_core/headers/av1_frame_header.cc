#include "decode_core/headers/av1_frame_header.h"

#include <algorithm>
#include <string>

#include "decode_core/headers/av1_frame_reader.h"

namespace daedalus::headers {
namespace {

constexpr uint8_t kNoSuperres = 8;  // SUPERRES_NUM

Error corrupt(const std::string& what) {
  return {ErrorCode::kCorrupt, "AV1 frame header: " + what};
}

}  // namespace

Av1FrameReader::Av1FrameReader(const Av1SequenceHeader& sequence, const Av1Slots& slots,
                               std::span<const uint8_t> payload, Av1LayerIds ids)
    : sequence_(sequence), slots_(slots), reader_(payload) {
  header_.temporal_id = ids.temporal_id;
  header_.spatial_id = ids.spatial_id;
  for (size_t i = 0; i < kAv1SlotCount; ++i) {
    if (slots_[i] != nullptr) slot_order_hints_[i] = slots_[i]->frame.order_hint;
  }
}

bool Av1FrameReader::flag(uint32_t frame_flag) {
  const bool set = reader_.flag();
  note(set, frame_flag);
  return set;
}

const Av1FrameHeader* Av1FrameReader::primary() const {
  const uint8_t reference = header_.frame.primary_ref_frame;
  if (reference >= kAv1ReferenceCount) return nullptr;
  return slots_[header_.frame.ref_frame_idx[reference]].get();
}

// uncompressed_header() (5.9.2)
Result<Av1FrameHeader> Av1FrameReader::read() {
  if (!sequence_.reduced_still_picture && reader_.flag()) return read_show_existing();
  read_kind();
  read_screen_content();
  read_identity();
  read_removal_times();
  read_refresh();
  if (header_.intra()) {
    read_frame_size();
    read_render_size();
    const bool may_copy = header_.has(V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS) &&
                          header_.frame.upscaled_width == header_.frame.frame_width_minus_1 + 1;
    if (may_copy) flag(V4L2_AV1_FRAME_FLAG_ALLOW_INTRABC);
  } else if (Status status = read_references(); !status) {
    return status.error();
  }
  if (reader_.overrun()) return corrupt("it ends too early");
  if (Status status = check_sizes(); !status) return status.error();

  const bool keeps_contexts = sequence_.reduced_still_picture ||
                              header_.has(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE) || reader_.flag();
  note(keeps_contexts, V4L2_AV1_FRAME_FLAG_DISABLE_FRAME_END_UPDATE_CDF);
  if (Status status = read_tile_info(); !status) return status.error();
  read_quantization();
  read_segmentation();
  read_delta_q_and_lf();
  coded_lossless_ = av1_is_coded_lossless(header_.frame);
  read_loop_filter();
  read_cdef();
  read_restoration();
  read_modes();
  read_global_motion();
  if (Status status = read_film_grain(); !status) return status.error();
  if (reader_.overrun()) return corrupt("it ends too early");
  header_.bits = reader_.position();
  return std::move(header_);
}

Result<Av1FrameHeader> Av1FrameReader::read_show_existing() {
  const auto slot = static_cast<uint8_t>(reader_.u(3));
  read_temporal_point();
  if (sequence_.frame_id_bits != 0) reader_.skip(sequence_.frame_id_bits);  // display_frame_id
  if (reader_.overrun()) return corrupt("it ends too early");
  if (slots_[slot] == nullptr) {
    return corrupt("the frame to show, of slot " + std::to_string(slot) + ", is missing");
  }
  const Av1LayerIds ids{header_.temporal_id, header_.spatial_id};
  header_ = *slots_[slot];
  header_.show_existing_frame = true;
  header_.frame_to_show = slot;
  header_.frame.refresh_frame_flags = header_.key_frame() ? kAv1AllSlots : 0;
  header_.bits = reader_.position();
  header_.temporal_id = ids.temporal_id;
  header_.spatial_id = ids.spatial_id;
  return std::move(header_);
}

void Av1FrameReader::read_temporal_point() {
  if (sequence_.decoder_model && !sequence_.equal_picture_interval) {
    reader_.skip(sequence_.presentation_time_bits);
  }
}

// frame_type to error_resilient_mode.
void Av1FrameReader::read_kind() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  bool shown_key = true;
  if (sequence_.reduced_still_picture) {
    frame.frame_type = V4L2_AV1_KEY_FRAME;
    note(true, V4L2_AV1_FRAME_FLAG_SHOW_FRAME | V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
  } else {
    frame.frame_type = static_cast<v4l2_av1_frame_type>(reader_.u(2));
    const bool shown = flag(V4L2_AV1_FRAME_FLAG_SHOW_FRAME);
    if (shown) {
      read_temporal_point();
      note(!header_.key_frame(), V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME);
    } else {
      flag(V4L2_AV1_FRAME_FLAG_SHOWABLE_FRAME);
    }
    shown_key = header_.key_frame() && shown;
    const bool resilient = frame.frame_type == V4L2_AV1_SWITCH_FRAME || shown_key || reader_.flag();
    note(resilient, V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
  }
  if (shown_key) slot_order_hints_.fill(0);
}

// disable_cdf_update to force_integer_mv.
void Av1FrameReader::read_screen_content() {
  flag(V4L2_AV1_FRAME_FLAG_DISABLE_CDF_UPDATE);
  const auto forced = [this](uint8_t value) {
    return value == kAv1ChosenByFrame ? reader_.flag() : value != 0;
  };
  const bool screen_content = forced(sequence_.force_screen_content_tools);
  note(screen_content, V4L2_AV1_FRAME_FLAG_ALLOW_SCREEN_CONTENT_TOOLS);
  const bool integer = screen_content && forced(sequence_.force_integer_mv);
  note(integer, V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV);
}

// current_frame_id to primary_ref_frame.
void Av1FrameReader::read_identity() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  frame.current_frame_id = reader_.u(sequence_.frame_id_bits);
  const bool other_size = frame.frame_type == V4L2_AV1_SWITCH_FRAME ||
                          (!sequence_.reduced_still_picture && reader_.flag());
  note(other_size, V4L2_AV1_FRAME_FLAG_FRAME_SIZE_OVERRIDE);
  frame.order_hint = reader_.u(sequence_.order_hint_bits);
  const bool none = header_.intra() || header_.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
  frame.primary_ref_frame = none ? kAv1NoPrimaryReference : static_cast<uint8_t>(reader_.u(3));
}

void Av1FrameReader::read_removal_times() {
  if (!sequence_.decoder_model) return;
  if (!flag(V4L2_AV1_FRAME_FLAG_BUFFER_REMOVAL_TIME_PRESENT)) return;
  for (size_t i = 0; i < sequence_.operating_point_count; ++i) {
    const Av1OperatingPoint& point = sequence_.operating_points[i];
    if (!point.decoder_model) continue;
    const bool in_point = point.idc == 0 || ((point.idc >> header_.temporal_id & 1) != 0 &&
                                             (point.idc >> (8 + header_.spatial_id) & 1) != 0);
    if (in_point) header_.frame.buffer_removal_time[i] = reader_.u(sequence_.removal_time_bits);
  }
}

// refresh_frame_flags and ref_order_hint[].
void Av1FrameReader::read_refresh() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  frame.refresh_frame_flags =
      av1_refreshes_all(frame) ? kAv1AllSlots : static_cast<uint8_t>(reader_.u(8));
  if (header_.intra() && frame.refresh_frame_flags == kAv1AllSlots) return;
  if (!header_.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE)) return;
  if (sequence_.order_hint_bits == 0) return;
  for (uint32_t& hint : slot_order_hints_) hint = reader_.u(sequence_.order_hint_bits);
}

// frame_refs_short_signaling to OrderHints.
Status Av1FrameReader::read_references() {
  if (Status status = read_reference_slots(); !status) return status;
  if (Status status = check_references(); !status) return status;
  const bool sizes_of_references = header_.has(V4L2_AV1_FRAME_FLAG_FRAME_SIZE_OVERRIDE) &&
                                   !header_.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE);
  if (sizes_of_references) {
    if (Status status = read_frame_size_with_references(); !status) return status;
  } else {
    read_frame_size();
    read_render_size();
  }
  read_inter_tools();
  for (size_t i = 0; i < kAv1ReferenceCount; ++i) {
    header_.frame.order_hints[V4L2_AV1_REF_LAST_FRAME + i] = reference_hint(i);
  }
  return {};
}

Status Av1FrameReader::read_reference_slots() {
  bool short_signaling = false;
  if (sequence_.order_hint_bits != 0) {
    short_signaling = flag(V4L2_AV1_FRAME_FLAG_FRAME_REFS_SHORT_SIGNALING);
    if (short_signaling) {
      const auto last = static_cast<uint8_t>(reader_.u(3));
      const auto golden = static_cast<uint8_t>(reader_.u(3));
      set_short_signalled_references(last, golden);
    }
  }
  for (size_t i = 0; i < kAv1ReferenceCount; ++i) {
    if (!short_signaling) header_.frame.ref_frame_idx[i] = static_cast<int8_t>(reader_.u(3));
    if (sequence_.frame_id_bits != 0) reader_.skip(sequence_.delta_frame_id_bits);
  }
  if (reader_.overrun()) return corrupt("it ends too early");
  return {};
}

Status Av1FrameReader::check_references() const {
  for (const int8_t slot : header_.frame.ref_frame_idx) {
    if (slots_[slot] == nullptr) {
      return corrupt("its reference in slot " + std::to_string(slot) + " is missing");
    }
  }
  return {};
}

void Av1FrameReader::read_inter_tools() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  if (!header_.has(V4L2_AV1_FRAME_FLAG_FORCE_INTEGER_MV)) {
    flag(V4L2_AV1_FRAME_FLAG_ALLOW_HIGH_PRECISION_MV);
  }
  frame.interpolation_filter = reader_.flag()
                                   ? V4L2_AV1_INTERPOLATION_FILTER_SWITCHABLE
                                   : static_cast<v4l2_av1_interpolation_filter>(reader_.u(2));
  flag(V4L2_AV1_FRAME_FLAG_IS_MOTION_MODE_SWITCHABLE);
  if (!header_.has(V4L2_AV1_FRAME_FLAG_ERROR_RESILIENT_MODE) &&
      sequence_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_REF_FRAME_MVS)) {
    flag(V4L2_AV1_FRAME_FLAG_USE_REF_FRAME_MVS);
  }
}

// frame_size() (5.9.5)
void Av1FrameReader::read_frame_size() {
  uint32_t width = sequence_.max_width;
  uint32_t height = sequence_.max_height;
  if (header_.has(V4L2_AV1_FRAME_FLAG_FRAME_SIZE_OVERRIDE)) {
    width = reader_.u(sequence_.width_bits) + 1;
    height = reader_.u(sequence_.height_bits) + 1;
  }
  header_.frame.frame_height_minus_1 = height - 1;
  read_superres(width);
}

// superres_params() (5.9.8)
void Av1FrameReader::read_superres(uint32_t upscaled_width) {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  frame.superres_denom = kNoSuperres;
  if (sequence_.has(V4L2_AV1_SEQUENCE_FLAG_ENABLE_SUPERRES) &&
      flag(V4L2_AV1_FRAME_FLAG_USE_SUPERRES)) {
    constexpr uint32_t kLeast = 9;  // SUPERRES_DENOM_MIN
    frame.superres_denom = static_cast<uint8_t>(reader_.u(3) + kLeast);
  }
  frame.upscaled_width = upscaled_width;
  const uint32_t denominator = frame.superres_denom;
  frame.frame_width_minus_1 = (upscaled_width * kNoSuperres + denominator / 2) / denominator - 1;
}

// render_size() (5.9.6)
void Av1FrameReader::read_render_size() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  if (reader_.flag()) {
    frame.render_width_minus_1 = static_cast<uint16_t>(reader_.u(16));
    frame.render_height_minus_1 = static_cast<uint16_t>(reader_.u(16));
  } else {
    frame.render_width_minus_1 = static_cast<uint16_t>(frame.upscaled_width - 1);
    frame.render_height_minus_1 = static_cast<uint16_t>(frame.frame_height_minus_1);
  }
}

// frame_size_with_refs() (5.9.7)
Status Av1FrameReader::read_frame_size_with_references() {
  v4l2_ctrl_av1_frame& frame = header_.frame;
  for (const int8_t slot : frame.ref_frame_idx) {
    if (!reader_.flag()) continue;
    const v4l2_ctrl_av1_frame& reference = slots_[slot]->frame;
    frame.frame_height_minus_1 = reference.frame_height_minus_1;
    frame.render_width_minus_1 = reference.render_width_minus_1;
    frame.render_height_minus_1 = reference.render_height_minus_1;
    read_superres(reference.upscaled_width);
    return {};
  }
  read_frame_size();
  read_render_size();
  return {};
}

Status Av1FrameReader::check_sizes() const {
  if (header_.intra()) return {};
  const uint32_t width = header_.frame.frame_width_minus_1 + 1;
  const uint32_t height = header_.frame.frame_height_minus_1 + 1;
  for (const int8_t slot : header_.frame.ref_frame_idx) {  // 5.9.7, 6.8.6
    const uint32_t reference_width = slots_[slot]->frame.upscaled_width;
    const uint32_t reference_height = slots_[slot]->frame.frame_height_minus_1 + 1;
    if (2 * width < reference_width || 2 * height < reference_height ||
        width > 16 * reference_width || height > 16 * reference_height) {
      return corrupt(std::to_string(width) + "x" + std::to_string(height) +
                     " cannot be predicted from " + std::to_string(reference_width) + "x" +
                     std::to_string(reference_height));
    }
  }
  return {};
}

Result<Av1FrameHeader> Av1HeaderParser::parse(std::span<const uint8_t> payload,
                                              Av1LayerIds ids) const {
  if (!sequence_) return corrupt("no sequence header was received");
  return Av1FrameReader(*sequence_, slots_, payload, ids).read();
}

void Av1HeaderParser::update(const Av1FrameHeader& header) {
  if (header.frame.refresh_frame_flags == 0) return;
  auto kept = std::make_shared<Av1FrameHeader>(header);
  kept->show_existing_frame = false;
  for (size_t i = 0; i < kAv1SlotCount; ++i) {
    if (header.frame.refresh_frame_flags >> i & 1) slots_[i] = kept;
  }
}

}  // namespace daedalus::headers
