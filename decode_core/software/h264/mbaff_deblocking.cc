#include "decode_core/software/h264/mbaff_deblocking.h"

namespace daedalus::core::h264 {
uint32_t MbaffDeblocking::index_of(uint32_t x, uint32_t row, uint32_t bottom) const {
  return (row * 2 + bottom) * list_.width + x;
}

bool MbaffDeblocking::is_field(uint32_t index) const {
  return (list_.macroblocks[index].flags & Macroblock::kField) != 0;
}

MbaffDeblocking::Place MbaffDeblocking::place_of(uint32_t x, uint32_t row, uint32_t bottom) const {
  const uint32_t index = index_of(x, row, bottom);
  const bool field = is_field(index);
  return {x,
          row,
          bottom,
          index,
          field,
          field ? target_.field(bottom != 0).macroblock(x, row)
                : target_.macroblock(x, row * 2 + bottom)};
}

void MbaffDeblocking::filter_row(uint32_t row) {
  for (uint32_t x = 0; x < list_.width; ++x) {
    for (uint32_t bottom = 0; bottom < 2; ++bottom) {
      const Place place = place_of(x, row, bottom);
      const Macroblock& macroblock = list_.macroblocks[place.index];
      if (!is_filtered(list_, macroblock)) continue;
      thresholds_.select(list_.slices[macroblock.slice]);
      filter(place);
    }
  }
}

FilteredNeighbours MbaffDeblocking::neighbours_of_same_kind(const Place& place) const {
  const Macroblock& macroblock = list_.macroblocks[place.index];
  FilteredNeighbours neighbours;
  const auto usable = [&](uint32_t beyond) {
    return is_field(beyond) == place.field && filters_across(list_, macroblock, beyond);
  };
  if (place.x != 0 && usable(place.index - 1)) neighbours.left = place.index - 1;
  if (!place.field && place.bottom != 0) {
    const uint32_t above = place.index - list_.width;
    if (usable(above)) neighbours.top = above;
  } else if (place.row != 0) {
    const uint32_t above = index_of(place.x, place.row - 1, place.field ? place.bottom : 1);
    if (usable(above)) neighbours.top = above;
  }
  return neighbours;
}

void MbaffDeblocking::filter(const Place& place) {
  const Macroblock& macroblock = list_.macroblocks[place.index];
  const FilteredNeighbours neighbours = neighbours_of_same_kind(place);
  const MacroblockStrengths strengths = strengths_.of(place.index, neighbours);
  const Qps inner = thresholds_.inside(macroblock);

  if (neighbours.left != kNoMacroblock) {
    filter_edge(place, true, 0, strengths[0][0],
                thresholds_.between(list_.macroblocks[neighbours.left], macroblock));
  } else if (place.x != 0) {
    filter_mixed_left(place);
  }
  for (unsigned edge = 1; edge < 4; ++edge) {
    filter_edge(place, true, edge, strengths[0][edge], inner);
  }

  if (neighbours.top != kNoMacroblock) {
    filter_edge(place, false, 0, strengths[1][0],
                thresholds_.between(list_.macroblocks[neighbours.top], macroblock));
  } else if (place.row != 0 && (place.field || place.bottom == 0)) {
    filter_mixed_top(place);
  }
  for (unsigned edge = 1; edge < 4; ++edge) {
    filter_edge(place, false, edge, strengths[1][edge], inner);
  }
}

MbaffDeblocking::Thresholds MbaffDeblocking::thresholds_of(const Qps& qps) const {
  const gpu_kernels::H264ThresholdTable& table = thresholds_.table();
  return {table[qps[0]], table[qps[1]], table[qps[2]]};
}

void MbaffDeblocking::filter_edge(const Place& place, bool vertical, unsigned edge,
                                  const EdgeStrength& strength, const Qps& qps) const {
  if (strength == EdgeStrength{}) return;
  const auto& target = place.target;
  const auto& [y, cb, cr] = thresholds_of(qps);
  const ptrdiff_t lines = edge * 4;
  if (vertical) {
    functions_.luma_vertical(target.luma + lines, target.luma_stride, strength, y);
    if (edge % 2 == 0) {
      functions_.chroma_vertical(target.chroma + lines, target.chroma_stride, strength, cb, cr);
    }
  } else {
    functions_.luma_horizontal(target.luma + lines * target.luma_stride, target.luma_stride,
                               strength, y);
    if (edge % 2 == 0) {
      functions_.chroma_horizontal(target.chroma + lines / 2 * target.chroma_stride,
                                   target.chroma_stride, strength, cb, cr);
    }
  }
}

// The rows of one of the two macroblocks on the left: 8 rows of every second line of a frame
// macroblock, or one half of a field macroblock.
void MbaffDeblocking::filter_left_part(const Place& place, uint32_t beyond,
                                       const EdgeStrength& strength, ptrdiff_t luma_offset,
                                       ptrdiff_t chroma_offset) {
  const Macroblock& macroblock = list_.macroblocks[place.index];
  const Qps qps = thresholds_.between(list_.macroblocks[beyond], macroblock);
  const auto& [y, cb, cr] = thresholds_of(qps);
  const ptrdiff_t step = place.field ? 1 : 2;
  functions_.luma_vertical_mixed(place.target.luma + luma_offset, place.target.luma_stride * step,
                                 strength, y);
  functions_.chroma_vertical_mixed(place.target.chroma + chroma_offset,
                                   place.target.chroma_stride * step, strength, cb, cr);
}

// Table 6-4: the lines of a frame macroblock lie beside those of the left field macroblocks in
// turn, the halves of a field macroblock each beside one left frame macroblock.
void MbaffDeblocking::filter_mixed_left(const Place& place) {
  const Macroblock& macroblock = list_.macroblocks[place.index];
  for (uint32_t part = 0; part < 2; ++part) {
    const uint32_t left = index_of(place.x - 1, place.row, part);
    if (is_field(left) == place.field || !filters_across(list_, macroblock, left)) continue;
    EdgeStrength strength{};
    for (unsigned run = 0; run < 4; ++run) {
      const unsigned left_row = place.field ? run : run / 2 + place.bottom * 2;
      const unsigned row = place.field ? run / 2 + part * 2 : run;
      strength[run] =
          mixed_vertical_strength(list_, {left, left_row * 4 + 3}, {place.index, row * 4});
    }
    const ptrdiff_t lines = static_cast<ptrdiff_t>(part) * (place.field ? 8 : 1);
    const ptrdiff_t chroma_lines = static_cast<ptrdiff_t>(part) * (place.field ? 4 : 1);
    filter_left_part(place, left, strength, lines * place.target.luma_stride,
                     chroma_lines * place.target.chroma_stride);
  }
}

void MbaffDeblocking::filter_top_part(const Place& place, uint32_t beyond, ptrdiff_t luma_offset,
                                      ptrdiff_t chroma_offset, ptrdiff_t luma_stride,
                                      ptrdiff_t chroma_stride) {
  const Macroblock& macroblock = list_.macroblocks[place.index];
  if (!filters_across(list_, macroblock, beyond)) return;
  EdgeStrength strength{};
  for (unsigned run = 0; run < 4; ++run) {
    strength[run] = mixed_horizontal_strength(list_, {beyond, 12 + run}, {place.index, run});
  }
  const Qps qps = thresholds_.between(list_.macroblocks[beyond], macroblock);
  const auto& [y, cb, cr] = thresholds_of(qps);
  functions_.luma_horizontal(place.target.luma + luma_offset, luma_stride, strength, y);
  functions_.chroma_horizontal(place.target.chroma + chroma_offset, chroma_stride, strength, cb,
                               cr);
}

// A frame macroblock below field macroblocks is filtered as two fields
// (fieldModeInFrameFilteringFlag 1), a field macroblock below frame macroblocks with the lines of
// its parity, all of the lower one.
void MbaffDeblocking::filter_mixed_top(const Place& place) {
  const auto& target = place.target;
  if (place.field) {
    const uint32_t above = index_of(place.x, place.row - 1, 1);
    if (is_field(above)) return;
    filter_top_part(place, above, 0, 0, target.luma_stride, target.chroma_stride);
    return;
  }
  for (uint32_t parity = 0; parity < 2; ++parity) {
    const uint32_t above = index_of(place.x, place.row - 1, parity);
    if (!is_field(above)) return;
    filter_top_part(place, above, static_cast<ptrdiff_t>(parity) * target.luma_stride,
                    static_cast<ptrdiff_t>(parity) * target.chroma_stride, target.luma_stride * 2,
                    target.chroma_stride * 2);
  }
}

}  // namespace daedalus::core::h264
