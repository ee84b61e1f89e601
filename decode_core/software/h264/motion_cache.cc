#include "decode_core/software/h264/motion_cache.h"

#include <algorithm>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

int16_t median(int16_t a, int16_t b, int16_t c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

MotionVector median(MotionVector a, MotionVector b, MotionVector c) {
  return {median(a.x, b.x, c.x), median(a.y, b.y, c.y)};
}

bool is_absent(const Neighbours::Place& place) {
  return place.context->slice == MacroblockContext::kNoSlice;
}

}  // namespace

void MotionCache::load(const MotionField& motion, size_t list, const Neighbours& near, bool mbaff,
                       bool field) {
  references_.fill(kUnavailable);
  mixed_left_ = near.mixed_left;
  const Source from{motion.vectors[list], motion.references[list], mbaff, field};
  load_above(from, near);
  if (is_absent(near.left[0])) {
    for (int y = 0; y < 4; ++y) vectors_[place(-1, y)] = {};
  } else {
    for (size_t y = 0; y < 4; ++y) {
      const size_t to = place(-1, static_cast<int>(y));
      take(from, near.left[y / 2], 3, near.left_rows[y], vectors_[to], references_[to]);
    }
  }
  if (!mixed_left_) return;
  for (size_t row = 1; row < 4; ++row) {
    take(from, near.diagonal[row], 3, near.diagonal_rows[row], left_vectors_[row],
         left_references_[row]);
  }
}

void MotionCache::load_above(const Source& from, const Neighbours& near) {
  MotionVector* const vectors = &vectors_[place(0, -1)];
  int8_t* const references = &references_[place(0, -1)];
  if (is_absent(near.top)) {
    std::fill_n(vectors, 4, MotionVector{});
  } else if (!from.mbaff) {
    std::copy_n(&from.vectors[near.top.number][12], 4, vectors);
    const std::array<int8_t, 4>& used = from.references[near.top.number];
    references[0] = references[1] = used[2];
    references[2] = references[3] = used[3];
  } else {
    for (size_t x = 0; x < 4; ++x) take(from, near.top, x, 3, vectors[x], references[x]);
  }
  take_if_there(from, near.top_right, 0, 3, place(4, -1));
  take_if_there(from, near.top_left, 3, near.top_left_row, place(-1, -1));
}

// The motion of 4x4 block (x, y) of a macroblock that is there.
void MotionCache::take(const Source& from, const Neighbours::Place& at, size_t x, size_t y,
                       MotionVector& vector, int8_t& reference) {
  reference = from.references[at.number][y / 2 * 2 + x / 2];
  vector = from.vectors[at.number][y * 4 + x];
  if (!from.mbaff || reference < 0) return;
  const bool from_field = at.context->has(MacroblockContext::kField);
  if (from_field == from.field) return;
  if (from.field) {
    reference = static_cast<int8_t>(reference * 2);
    vector.y = static_cast<int16_t>(vector.y / 2);
  } else {
    reference = static_cast<int8_t>(reference >> 1);
    vector.y = static_cast<int16_t>(vector.y * 2);
  }
}

void MotionCache::take_if_there(const Source& from, const Neighbours::Place& at, size_t x, size_t y,
                                size_t to) {
  if (is_absent(at)) {
    vectors_[to] = {};
  } else {
    take(from, at, x, y, vectors_[to], references_[to]);
  }
}

MotionCache::Neighbour MotionCache::diagonal(int x, int y, int width) const {
  const size_t above = place(x, y - 1);
  const Neighbour c = at(above + static_cast<size_t>(width));
  if (c.reference != kUnavailable) return c;
  if (mixed_left_ && x == 0 && y > 0) {
    const auto row = static_cast<size_t>(y);
    return {left_references_[row], left_vectors_[row]};
  }
  return at(above - 1);
}

MotionVector MotionCache::predict(int x, int y, int width, int8_t reference) const {
  const Neighbour a = at(place(x - 1, y));
  const Neighbour b = at(place(x, y - 1));
  const Neighbour c = diagonal(x, y, width);
  const bool same_a = a.reference == reference;
  const bool same_b = b.reference == reference;
  const bool same_c = c.reference == reference;
  const int same = same_a + same_b + same_c;
  if (same == 1) return same_a ? a.vector : same_b ? b.vector : c.vector;
  if (same == 0 && b.reference == kUnavailable && c.reference == kUnavailable &&
      a.reference != kUnavailable) {
    return a.vector;
  }
  return median(a.vector, b.vector, c.vector);
}

MotionVector MotionCache::predict_16x8(int y, int8_t reference) const {
  const Neighbour direct = y == 0 ? at(place(0, -1)) : at(place(-1, 2));
  return direct.reference == reference ? direct.vector : predict(0, y, 4, reference);
}

MotionVector MotionCache::predict_8x16(int x, int8_t reference) const {
  const Neighbour direct = x == 0 ? at(place(-1, 0)) : diagonal(2, 0, 2);
  return direct.reference == reference ? direct.vector : predict(x, 0, 2, reference);
}

MotionVector MotionCache::predict_skip() const {
  const Neighbour a = at(place(-1, 0));
  const Neighbour b = at(place(0, -1));
  if (a.reference == kUnavailable || b.reference == kUnavailable) return {};
  if (a.reference == 0 && a.vector == MotionVector{}) return {};
  if (b.reference == 0 && b.vector == MotionVector{}) return {};
  return predict(0, 0, 4, 0);
}

int8_t MotionCache::smallest_reference() const {
  // Negative values are the largest of unsigned ones.
  const auto a = static_cast<uint8_t>(reference(-1, 0));
  const auto b = static_cast<uint8_t>(reference(0, -1));
  const auto c = static_cast<uint8_t>(diagonal(0, 0, 4).reference);
  return static_cast<int8_t>(std::min({a, b, c}));
}

void MotionCache::store(MotionField& motion, size_t list, uint32_t macroblock) const {
  auto& vectors = motion.vectors[list][macroblock];
  auto& references = motion.references[list][macroblock];
  for (int y = 0; y < 4; ++y) {
    std::memcpy(static_cast<void*>(&vectors[static_cast<size_t>(y * 4)]), &vectors_[place(0, y)],
                4 * sizeof(MotionVector));
  }
  references = {reference(0, 0), reference(2, 0), reference(0, 2), reference(2, 2)};
}

}  // namespace daedalus::core::h264
