#include "decode_core/software/h264/macroblock_context.h"

#include <algorithm>

namespace daedalus::core::h264 {

void ContextRows::resize(uint32_t width, uint32_t height, bool mbaff) {
  width_ = width;
  height_ = mbaff ? 2 : 1;
  none_ = width * height;
  contexts_.assign(size_t{width + 2} * 2 * height_, MacroblockContext{});
}

void ContextRows::begin_row(uint32_t row) {
  for (uint32_t y = row * height_; y < (row + 1) * height_; ++y) {
    for (uint32_t x = 0; x < width_; ++x) at(x, y).slice = MacroblockContext::kNoSlice;
  }
}

constexpr MacroblockContext ContextRows::kAbsent = {
    .flags = MacroblockContext::kSkipped | MacroblockContext::kDirect | MacroblockContext::kNxN,
    .coded_block_pattern = 15};

Neighbours::Place ContextRows::place(uint32_t x, uint32_t y, uint32_t slice) const {
  return place(at(x, y), y * width_ + x, slice);
}

// Table 6-4, by 4x4 blocks.
Neighbours ContextRows::find_mbaff(uint32_t x, uint32_t y, bool field, uint32_t slice) const {
  Neighbours found;
  const uint32_t pair = y & ~1u;  // the row of the pair's upper macroblock
  const bool lower = (y & 1) != 0;
  // Of the pair above in column `column`: its lower macroblock, or, above the upper field
  // macroblock, the one of the same parity.
  const auto above = [&](uint32_t column) {
    const Neighbours::Place upper = place(column, pair - 2, slice);
    if (field && !lower && upper.context->has(MacroblockContext::kField)) return upper;
    return place(column, pair - 1, slice);
  };
  found.top = above(x);
  found.top_right = above(x + 1);
  found.top_left = above(x - 1);
  const uint32_t column = x - 1;
  const std::array<Neighbours::Place, 2> left = {place(column, pair, slice),
                                                 place(column, pair + 1, slice)};
  const bool left_field = left[0].context->has(MacroblockContext::kField);
  const bool mixed = left[0].context->slice == slice && left_field != field;
  if (!field && lower) {
    found.top = place(x, pair, slice);
    found.top_right = {&kAbsent, none_};
    found.top_left = left[0];
  }
  if (!mixed) {
    found.left[0] = found.left[1] = left[lower ? 1 : 0];
    return found;
  }
  found.mixed_left = true;
  if (field) {
    found.left = left;
    found.left_rows = {0, 2, 0, 2};
    found.diagonal = {left[0], left[0], left[0], left[1]};
    found.diagonal_rows = {0, 1, 3, 1};
  } else {
    found.left[0] = found.left[1] = left[0];
    found.interleaved_left = true;
    found.diagonal.fill(left[1]);
    if (lower) {
      found.left_rows = {2, 2, 3, 3};
      found.top_left = left[1];
      found.top_left_row = 1;
      found.diagonal_rows = {0, 2, 2, 3};
    } else {
      found.left_rows = {0, 0, 1, 1};
      found.diagonal_rows = {0, 0, 0, 1};
    }
  }
  return found;
}

const MacroblockContext& ContextRows::left_pair(uint32_t x, uint32_t y, uint32_t slice) const {
  return *place(x - 1, y & ~1u, slice).context;
}

const MacroblockContext& ContextRows::top_pair(uint32_t x, uint32_t y, uint32_t slice) const {
  return *place(x, (y & ~1u) - 2, slice).context;
}

}  // namespace daedalus::core::h264
