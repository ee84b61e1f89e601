#include "decode_core/software/h264/macroblock_state.h"

#include <algorithm>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

bool is_absent(const Neighbours::Place& place) {
  return place.context->slice == MacroblockContext::kNoSlice;
}

}  // namespace

// ---- CoefficientCounts ----

void CoefficientCounts::load(const Neighbours& near, uint8_t absent) {
  if (is_absent(near.top)) {
    top_.fill(absent);
  } else {
    top_ = near.top.context->lower_counts;
  }
  if (is_absent(near.left[0])) {
    left_.fill(absent);
  } else if (!near.mixed_left) {
    left_ = near.left[0].context->right_counts;
  } else {
    for (size_t y = 0; y < 4; ++y) {
      left_[y] = near.left[y / 2].context->right_counts[near.left_rows[y]];
    }
    for (size_t i = 4; i < 8; ++i) {
      const size_t y = i % 2;
      const size_t row = near.left_rows[2 * y] / 2u;
      left_[i] = near.left[y].context->right_counts[(i & 6) + row];
    }
  }
}

void CoefficientCounts::store(MacroblockContext& context) const {
  context.right_counts = left_;
  context.lower_counts = top_;
}

// ---- MotionContexts ----

void MotionContexts::load(const Neighbours& near, size_t list, bool mbaff, bool field) {
  if (mbaff) return load_mixed(near, list, field);
  const MacroblockContext& left = *near.left[0].context;
  const MacroblockContext& top = *near.top.context;
  left_references = left.right_references[list];
  top_references = top.lower_references[list];
  left_mvd = left.right_mvd[list];
  top_mvd = top.lower_mvd[list];
}

// From field to frame macroblocks and the other way about.
void MotionContexts::load_mixed(const Neighbours& near, size_t list, bool field) {
  // A frame macroblock counts the fields of a field macroblock's references as one.
  const auto reference = [&](const MacroblockContext& from, uint8_t value) {
    const bool halve = !field && from.has(MacroblockContext::kField);
    return static_cast<uint8_t>(halve ? value / 2 : value);
  };
  const auto adjusted = [&](const MacroblockContext& from, Magnitudes value) {
    const bool from_field = from.has(MacroblockContext::kField);
    if (from_field && !field) value[1] = static_cast<uint8_t>(value[1] * 2);
    if (!from_field && field) value[1] = static_cast<uint8_t>(value[1] / 2);
    return value;
  };
  const MacroblockContext& top = *near.top.context;
  for (size_t i = 0; i < 2; ++i) {
    const MacroblockContext& left = *near.left[i].context;
    const size_t row = near.left_rows[2 * i] / 2u;
    left_references[i] = reference(left, left.right_references[list][row]);
    top_references[i] = reference(top, top.lower_references[list][i]);
  }
  for (size_t i = 0; i < 4; ++i) {
    const MacroblockContext& left = *near.left[i / 2].context;
    left_mvd[i] = adjusted(left, left.right_mvd[list][near.left_rows[i]]);
    top_mvd[i] = adjusted(top, top.lower_mvd[list][i]);
  }
}

void MotionContexts::store(MacroblockContext& context, size_t list) const {
  context.right_references[list] = left_references;
  context.lower_references[list] = top_references;
  context.right_mvd[list] = left_mvd;
  context.lower_mvd[list] = top_mvd;
}

// ---- ResidualWriter ----

size_t ResidualWriter::finish(Macroblock& macroblock) {
  macroblock.full_blocks = full_;
  macroblock.dc_blocks = dc_;
  std::copy_n(dc_values_.begin(), dc_count_, next_);
  const auto values = static_cast<size_t>(next_ - begin_) + dc_count_;
  return (values + 15) & ~size_t{15};
}

}  // namespace daedalus::core::h264
