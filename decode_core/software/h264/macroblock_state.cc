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
  const auto& top = near.top.context->coefficients;
  const bool no_top = is_absent(near.top);
  for (int x = 0; x < 4; ++x) {
    counts_[luma(x, -1)] = no_top ? absent : top[static_cast<size_t>(12 + x)];
  }
  for (int component = 0; component < 2; ++component) {
    for (int x = 0; x < 2; ++x) {
      counts_[chroma(component, x, -1)] =
          no_top ? absent : top[static_cast<size_t>(18 + 4 * component + x)];
    }
  }
  for (int y = 0; y < 4; ++y) {
    const Neighbours::Place& left = near.left[static_cast<size_t>(y / 2)];
    const size_t row = near.left_rows[static_cast<size_t>(y)];
    counts_[luma(-1, y)] = is_absent(left) ? absent : left.context->coefficients[row * 4 + 3];
  }
  for (int y = 0; y < 2; ++y) {
    const Neighbours::Place& left = near.left[static_cast<size_t>(y)];
    const size_t row = near.left_rows[static_cast<size_t>(2 * y)] / 2u;
    for (int component = 0; component < 2; ++component) {
      counts_[chroma(component, -1, y)] =
          is_absent(left)
              ? absent
              : left.context->coefficients[16 + 4 * static_cast<size_t>(component) + row * 2 + 1];
    }
  }
  for (int y = 0; y < 4; ++y) std::memset(&counts_[luma(0, y)], 0, 4);
  for (int component = 0; component < 2; ++component) {
    for (int y = 0; y < 2; ++y) std::memset(&counts_[chroma(component, 0, y)], 0, 2);
  }
}

void CoefficientCounts::store(std::array<uint8_t, 24>& coefficients) const {
  for (int y = 0; y < 4; ++y) {
    std::memcpy(&coefficients[static_cast<size_t>(4 * y)], &counts_[luma(0, y)], 4);
  }
  for (int component = 0; component < 2; ++component) {
    for (int y = 0; y < 2; ++y) {
      std::memcpy(&coefficients[static_cast<size_t>(16 + 4 * component + 2 * y)],
                  &counts_[chroma(component, 0, y)], 2);
    }
  }
}

// ---- MotionContexts ----

void MotionContexts::load(const Neighbours& near, size_t list, bool mbaff, bool field) {
  // A frame macroblock counts the fields of a field macroblock's references as one (9.3.3.1.1.6).
  const auto above_0 = [&](const MacroblockContext& context, size_t index) {
    const bool halve = mbaff && !field && context.has(MacroblockContext::kField);
    return context.references[list][index] > (halve ? 1 : 0);
  };
  // Vertical differences in the units of the current macroblock (9.3.3.1.1.7).
  const auto adjusted = [&](const MacroblockContext& context, std::array<uint8_t, 2> value) {
    if (!mbaff) return value;
    const bool from_field = context.has(MacroblockContext::kField);
    if (from_field && !field) value[1] = static_cast<uint8_t>(value[1] * 2);
    if (!from_field && field) value[1] = static_cast<uint8_t>(value[1] / 2);
    return value;
  };
  std::memset(reference_above_0.data(), 0, sizeof reference_above_0);
  std::memset(references.data(), 0, sizeof references);
  std::memset(mvd.data(), 0, sizeof mvd);
  const MacroblockContext& top = *near.top.context;
  for (int x = 0; x < 2; ++x) {
    reference_above_0[quarter(x, -1)] = above_0(top, static_cast<size_t>(2 + x));
  }
  if (mbaff) {
    for (int x = 0; x < 4; ++x) {
      mvd[block(x, -1)] = adjusted(top, top.lower_mvd[list][static_cast<size_t>(x)]);
    }
  } else {
    std::memcpy(&mvd[block(0, -1)], top.lower_mvd[list].data(), sizeof top.lower_mvd[list]);
  }
  for (int y = 0; y < 2; ++y) {
    const size_t row = near.left_rows[static_cast<size_t>(2 * y)] / 2u;
    reference_above_0[quarter(-1, y)] =
        above_0(*near.left[static_cast<size_t>(y)].context, row * 2 + 1);
  }
  for (int y = 0; y < 4; ++y) {
    const MacroblockContext& left = *near.left[static_cast<size_t>(y / 2)].context;
    mvd[block(-1, y)] =
        adjusted(left, left.right_mvd[list][near.left_rows[static_cast<size_t>(y)]]);
  }
}

void MotionContexts::fill_reference(int x, int y, int width, int height, uint8_t reference) {
  for (int row = y; row < y + height; ++row) {
    for (int column = x; column < x + width; ++column) {
      reference_above_0[quarter(column, row)] = reference > 0;
      references[static_cast<size_t>(2 * row + column)] = reference;
    }
  }
}

void MotionContexts::fill_mvd(int x, int y, int width, int height, std::array<uint8_t, 2> value) {
  if (width == 4) {
    const std::array<std::array<uint8_t, 2>, 4> values = {value, value, value, value};
    for (int row = y; row < y + height; ++row) {
      std::memcpy(&mvd[block(0, row)], values.data(), sizeof values);
    }
    return;
  }
  for (int row = y; row < y + height; ++row) {
    for (int column = x; column < x + width; ++column) mvd[block(column, row)] = value;
  }
}

void MotionContexts::store(MacroblockContext& context, size_t list) const {
  context.references[list] = references;
  for (int i = 0; i < 4; ++i) {
    context.right_mvd[list][static_cast<size_t>(i)] = mvd[block(3, i)];
    context.lower_mvd[list][static_cast<size_t>(i)] = mvd[block(i, 3)];
  }
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
