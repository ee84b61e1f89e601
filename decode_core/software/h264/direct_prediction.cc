#include "decode_core/software/h264/direct_prediction.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace daedalus::core::h264 {
namespace {

PictureStructure parity_of(uint32_t y) {
  return y % 2 == 0 ? PictureStructure::kTopField : PictureStructure::kBottomField;
}

// Whether 8x8 blocks, of which each moves alike, all do.
bool all_alike(const DirectMotion& motion) {
  for (const size_t quarter : {1, 2, 3}) {
    const size_t corner = quarter / 2 * 8 + quarter % 2 * 2;
    for (size_t list = 0; list < 2; ++list) {
      if (motion.references[list][quarter] != motion.references[list][0]) return false;
      if (motion.vectors[list][corner] != motion.vectors[list][0]) return false;
    }
  }
  return true;
}

}  // namespace

void DirectPrediction::begin_slice(
    const Picture& picture, const Slice& slice, const OrderCounts& counts,
    const ReferenceMotion& colocated,
    const std::array<MotionField::ReferenceId, kMaxReferences>& references) {
  picture_ = picture;
  slice_ = &slice;
  colocated_ = &colocated;
  references_ = &references;
  const bool plain = picture.structure == PictureStructure::kFrame && !picture.mbaff &&
                     colocated.frame != nullptr && fits(*colocated.frame, picture.height);
  plain_ = plain ? colocated.frame.get() : nullptr;
  spatial_ = (slice.header.slice.flags & V4L2_H264_SLICE_FLAG_DIRECT_SPATIAL_MV_PRED) != 0;
  const Reference& first = slice.lists[1][0];
  short_term_ = first.entry != Reference::kMissing && !first.long_term;
  bottom_closer_ = false;
  if (picture.structure == PictureStructure::kFrame && first.entry != Reference::kMissing) {
    const int64_t now = counts.current[0];
    const OrderCounts::Counts& fields = counts.references[first.entry];
    bottom_closer_ = std::abs(fields[1] - now) >= std::abs(fields[2] - now);
  }
  if (spatial_) return;
  scales_[0] = distance_scales(slice, counts, picture.structure, PictureStructure::kFrame);
  if (!picture.mbaff) return;
  for (const PictureStructure parity :
       {PictureStructure::kTopField, PictureStructure::kBottomField}) {
    scales_[static_cast<size_t>(parity)] =
        distance_scales(slice, counts, picture.structure, parity);
  }
}

bool DirectPrediction::fits(const MotionField& motion, uint32_t rows) const {
  const size_t needed = size_t{rows} * picture_.width;
  const auto enough = [&](const auto& values) { return values.size() >= needed; };
  return std::ranges::all_of(motion.vectors, enough) &&
         std::ranges::all_of(motion.references, enough) && enough(motion.slice);
}

// Tables 8-6 and 8-8.
DirectPrediction::Source DirectPrediction::find_source(uint32_t x, uint32_t y, bool field) const {
  if (plain_ != nullptr) {
    return {plain_, Scale::kOneToOne, y * picture_.width + x, 0, PictureStructure::kFrame};
  }
  const ReferenceMotion& colocated = *colocated_;
  const auto field_motion = [&](bool bottom) {
    return (bottom ? colocated.bottom : colocated.top).get();
  };
  if (picture_.structure != PictureStructure::kFrame) {
    const bool bottom = slice_->lists[1][0].structure == PictureStructure::kBottomField;
    if (field_motion(bottom) != nullptr) return in_field(field_motion(bottom), x, y, false);
    if (colocated.frame == nullptr || !fits(*colocated.frame, 2 * picture_.height)) return {};
    const uint32_t upper = 2 * y * picture_.width + x;
    const std::vector<uint8_t>& kinds = colocated.frame->field;
    if (upper < kinds.size() && kinds[upper] != 0) {
      const bool own_bottom = picture_.structure == PictureStructure::kBottomField;
      return {colocated.frame.get(), Scale::kOneToOne, upper + (own_bottom ? picture_.width : 0), 0,
              picture_.structure};
    }
    return {colocated.frame.get(), Scale::kFrameToField, upper, 0, PictureStructure::kFrame};
  }
  if (colocated.frame != nullptr) return in_frame(*colocated.frame, x, y, field);
  if (field) return in_field(field_motion(y % 2 != 0), x, y / 2, false);
  return in_field(field_motion(bottom_closer_), x, y, true);
}

// The picture is an MBAFF frame, and the co-located one a frame.
DirectPrediction::Source DirectPrediction::in_frame(const MotionField& motion, uint32_t x,
                                                    uint32_t y, bool field) const {
  if (!fits(motion, picture_.height)) return {};
  const uint32_t same = y * picture_.width + x;
  const bool field_there = same < motion.field.size() && motion.field[same] != 0;
  const uint32_t upper = (y & ~1u) * picture_.width + x;
  if (field == field_there) {
    return {&motion, Scale::kOneToOne, same, 0, field ? parity_of(y) : PictureStructure::kFrame};
  }
  if (field) return {&motion, Scale::kFrameToField, upper, 0, PictureStructure::kFrame};
  return {&motion, Scale::kFieldToFrame, upper + (bottom_closer_ ? picture_.width : 0), 2 * (y % 2),
          bottom_closer_ ? PictureStructure::kBottomField : PictureStructure::kTopField};
}

// The co-located picture is a field. y: the macroblock's row in the frame or, where it is a field
// macroblock or in a field, in the field.
DirectPrediction::Source DirectPrediction::in_field(const MotionField* motion, uint32_t x,
                                                    uint32_t y, bool current_is_frame) const {
  const bool frame = picture_.structure == PictureStructure::kFrame;
  if (motion == nullptr || !fits(*motion, frame ? picture_.height / 2 : picture_.height)) return {};
  if (!current_is_frame) {
    return {motion, Scale::kOneToOne, y * picture_.width + x, 0, PictureStructure::kFrame};
  }
  if (y / 2 >= picture_.height / 2) return {};
  return {motion, Scale::kFieldToFrame, y / 2 * picture_.width + x, 2 * (y % 2),
          PictureStructure::kFrame};
}

// block_x, block_y: the 4x4 block at whose place is looked, the corner's with
// direct_8x8_inference_flag.
DirectPrediction::Colocated DirectPrediction::colocated(const Source& source, size_t block_x,
                                                        size_t block_y) const {
  if (source.motion == nullptr) return {};
  const MotionField& motion = *source.motion;
  size_t macroblock = source.macroblock;
  size_t row = block_y;
  if (source.scale == Scale::kFrameToField) {
    if (block_y >= 2) macroblock += picture_.width;
    row = 2 * block_y % 4;
  } else if (source.scale == Scale::kFieldToFrame) {
    row = source.row + block_y / 2;
  }
  for (size_t list = 0; list < 2; ++list) {
    const int8_t reference = motion.references[list][macroblock][row / 2 * 2 + block_x / 2];
    if (reference < 0) continue;
    return {reference, motion.vectors[list][macroblock][row * 4 + block_x], list, macroblock};
  }
  return {};
}

// What refIdxCol refers to, which is not negative.
MotionField::ReferenceId DirectPrediction::id_of(const Source& source, const Colocated& colocated) {
  const MotionField& motion = *source.motion;
  const size_t slice = motion.slice[colocated.macroblock];
  if (slice >= motion.slice_references.size()) return {};
  const auto& ids = motion.slice_references[slice][colocated.list];
  const bool fields = source.macroblock_structure != PictureStructure::kFrame;
  const auto index = static_cast<size_t>(fields ? colocated.reference / 2 : colocated.reference);
  MotionField::ReferenceId id = ids[index % ids.size()];
  if (fields) {
    const bool opposite = colocated.reference % 2 != 0;
    const bool bottom = (source.macroblock_structure == PictureStructure::kBottomField) != opposite;
    id.structure = bottom ? PictureStructure::kBottomField : PictureStructure::kTopField;
  }
  return id;
}

void DirectPrediction::derive(uint32_t x, uint32_t y, bool field,
                              const std::array<MotionCache, 2>& caches,
                              DirectMotion& motion) const {
  const Source source = find_source(x, y, field);
  if (spatial_) {
    derive_spatial(source, caches, motion);
  } else {
    derive_temporal(source, field ? parity_of(y) : PictureStructure::kFrame, motion);
  }
}

// 8.4.1.2.2
void DirectPrediction::derive_spatial(const Source& source,
                                      const std::array<MotionCache, 2>& caches,
                                      DirectMotion& motion) const {
  std::array<int8_t, 2> references;
  std::array<MotionVector, 2> vectors;
  for (size_t list = 0; list < 2; ++list) references[list] = caches[list].smallest_reference();
  const bool none = references[0] < 0 && references[1] < 0;
  for (size_t list = 0; list < 2; ++list) {
    if (none) {
      references[list] = 0;
    } else if (references[list] < 0) {
      references[list] = MotionCache::kUnused;
    } else {
      vectors[list] = caches[list].predict(0, 0, 4, references[list]);
    }
    motion.references[list].fill(references[list]);
    fill_vectors<16>(motion.vectors[list].data(), vectors[list]);
  }
  motion.uniform.fill(true);
  motion.whole = true;
  // colZeroFlag matters only where a vector is not 0 by a reference that is.
  const auto affected = [&](size_t list) {
    return references[list] == 0 && vectors[list] != MotionVector{};
  };
  if (short_term_ && (affected(0) || affected(1))) zero_still_blocks(source, references, motion);
}

// Where colZeroFlag is 1, vectors by reference 0 become 0.
void DirectPrediction::zero_still_blocks(const Source& source,
                                         const std::array<int8_t, 2>& references,
                                         DirectMotion& motion) const {
  const auto is_still = [&](size_t block_x, size_t block_y) {
    const Colocated found = colocated(source, block_x, block_y);
    const auto small = [](int16_t value) { return static_cast<uint16_t>(value + 1) <= 2; };
    return found.reference == 0 && small(found.vector.x) && small(found.vector.y);
  };
  unsigned still = 0;  // bit by block, raster order
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    const size_t right = quarter % 2;
    const size_t lower = quarter / 2;
    const size_t first = 8 * lower + 2 * right;
    constexpr unsigned kQuarter = 0x33;
    if (picture_.inference_8x8) {
      if (is_still(3 * right, 3 * lower)) still |= kQuarter << first;
      continue;
    }
    for (const size_t block : {first, first + 1, first + 4, first + 5}) {
      if (is_still(block % 4, block / 4)) still |= 1u << block;
    }
    const unsigned found = still >> first & kQuarter;
    motion.uniform[quarter] = found == 0 || found == kQuarter;
  }
  motion.whole = still == 0 || still == 0xFFFF;
  for (size_t list = 0; list < 2; ++list) {
    if (references[list] != 0) continue;
    for (unsigned left = still; left != 0; left &= left - 1) {
      motion.vectors[list][static_cast<size_t>(std::countr_zero(left))] = {};
    }
  }
}

// The refIdxL0 that refers to what the co-located block referred to, as it is seen from the current
// macroblock.
int8_t DirectPrediction::map_to_list0(const Source& source, const Colocated& colocated,
                                      PictureStructure macroblock) const {
  if (colocated.reference < 0) return 0;
  const MotionField::ReferenceId referred = id_of(source, colocated);
  if (referred.picture == 0) return 0;
  const bool field_macroblock = macroblock != PictureStructure::kFrame;
  PictureStructure wanted = referred.structure;
  if (source.scale == Scale::kFrameToField) {
    wanted = field_macroblock ? macroblock : picture_.structure;
  } else if (source.scale == Scale::kFieldToFrame) {
    wanted = PictureStructure::kFrame;
  }
  const size_t size = std::min<size_t>(slice_->list_sizes[0], kMaxReferences);
  for (size_t i = 0; i < size; ++i) {
    const MotionField::ReferenceId& id = (*references_)[i];
    if (id.picture != referred.picture) continue;
    if (field_macroblock) return static_cast<int8_t>(2 * i + (wanted == macroblock ? 0 : 1));
    if (id.structure == wanted) return static_cast<int8_t>(i);
  }
  return 0;
}

// 8.4.1.2.3
void DirectPrediction::derive_temporal(const Source& source, PictureStructure macroblock,
                                       DirectMotion& motion) const {
  const DistanceScales& scales = scales_[static_cast<size_t>(macroblock)];
  motion.references[1].fill(0);
  motion.uniform.fill(picture_.inference_8x8);
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    const size_t left = quarter % 2 * 2;
    const size_t top = quarter / 2 * 2;
    MotionVector first;
    MotionVector second;
    for (size_t i = 0; i < 4; ++i) {
      const size_t block_x = left + i % 2;
      const size_t block_y = top + i / 2;
      if (i == 0 || !picture_.inference_8x8) {
        const Colocated found = picture_.inference_8x8
                                    ? colocated(source, quarter % 2 * 3, quarter / 2 * 3)
                                    : colocated(source, block_x, block_y);
        // All of a co-located 8x8 block refers to the same picture.
        if (i == 0) {
          motion.references[0][quarter] = map_to_list0(source, found, macroblock);
        }
        int column_y = found.vector.y;
        if (source.scale == Scale::kFrameToField) column_y /= 2;
        if (source.scale == Scale::kFieldToFrame) column_y *= 2;
        const int scale =
            scales[static_cast<size_t>(motion.references[0][quarter]) % kMaxReferences];
        const auto scaled = [&](int value) {
          return static_cast<int16_t>((scale * value + 128) >> 8);
        };
        first = {scaled(found.vector.x), scaled(column_y)};
        second = {static_cast<int16_t>(first.x - found.vector.x),
                  static_cast<int16_t>(first.y - column_y)};
      }
      motion.vectors[0][block_y * 4 + block_x] = first;
      motion.vectors[1][block_y * 4 + block_x] = second;
    }
  }
  motion.whole = picture_.inference_8x8 && all_alike(motion);
}

}  // namespace daedalus::core::h264
