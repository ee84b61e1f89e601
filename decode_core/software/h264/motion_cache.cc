#include "decode_core/software/h264/motion_cache.h"

#include <algorithm>

namespace daedalus::core::h264 {
namespace {

int16_t median(int16_t a, int16_t b, int16_t c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

MotionVector median(MotionVector a, MotionVector b, MotionVector c) {
  return {median(a.x, b.x, c.x), median(a.y, b.y, c.y)};
}

constexpr std::array<int8_t, 40> make_unavailable() {
  std::array<int8_t, 40> references{};
  for (int8_t& reference : references) reference = MotionCache::kUnavailable;
  return references;
}
constexpr std::array<int8_t, 40> kAllUnavailable = make_unavailable();

}  // namespace

void MotionCache::load(const MotionField& motion, size_t list, const Neighbours& near, bool mbaff,
                       bool field) {
  references_ = kAllUnavailable;
  const auto* const vectors = motion.vectors[list].data();
  const auto* const references = motion.references[list].data();
  if (mbaff) return load_mbaff({vectors, references, field}, near);
  const auto& left = vectors[near.left[0].number];
  for (size_t y = 0; y < 4; ++y) vectors_[place(-1, 0) + kStride * y] = left[4 * y + 3];
  std::copy_n(&vectors[near.top.number][12], 4, &vectors_[place(0, -1)]);
  vectors_[place(4, -1)] = vectors[near.top_right.number][12];
  vectors_[place(-1, -1)] = vectors[near.top_left.number][15];
  const auto& left_used = references[near.left[0].number];
  references_[place(-1, 0)] = references_[place(-1, 1)] = left_used[1];
  references_[place(-1, 2)] = references_[place(-1, 3)] = left_used[3];
  const auto& top_used = references[near.top.number];
  references_[place(0, -1)] = references_[place(1, -1)] = top_used[2];
  references_[place(2, -1)] = references_[place(3, -1)] = top_used[3];
  references_[place(4, -1)] = references[near.top_right.number][2];
  references_[place(-1, -1)] = references[near.top_left.number][3];
}

void MotionCache::load_mbaff(const Source& from, const Neighbours& near) {
  const auto take_to = [&](size_t to, const Neighbours::Place& at, size_t x, size_t y) {
    take(from, at, x, y, vectors_[to], references_[to]);
  };
  for (size_t i = 0; i < 4; ++i) {
    take_to(place(static_cast<int>(i), -1), near.top, i, 3);
    take_to(place(-1, static_cast<int>(i)), near.left[i / 2], 3, near.left_rows[i]);
  }
  take_to(place(4, -1), near.top_right, 0, 3);
  take_to(place(-1, -1), near.top_left, 3, near.top_left_row);
  mixed_left_ = near.mixed_left;
  if (!mixed_left_) return;
  for (size_t row = 1; row < 4; ++row) {
    take(from, near.diagonal[row], 3, near.diagonal_rows[row], left_vectors_[row],
         left_references_[row]);
  }
}

// The motion of 4x4 block (x, y) of a macroblock of an MBAFF frame.
void MotionCache::take(const Source& from, const Neighbours::Place& at, size_t x, size_t y,
                       MotionVector& vector, int8_t& reference) {
  reference = from.references[at.number][y / 2 * 2 + x / 2];
  vector = from.vectors[at.number][y * 4 + x];
  if (reference < 0) return;
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

[[gnu::always_inline]] inline MotionCache::Neighbour MotionCache::diagonal(int x, int y,
                                                                           int width) const {
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
  for (size_t y = 0; y < 4; ++y) {
    std::copy_n(&vectors_[place(0, 0) + kStride * y], 4, &vectors[4 * y]);
  }
  motion.references[list][macroblock] = {reference(0, 0), reference(2, 0), reference(0, 2),
                                         reference(2, 2)};
}

}  // namespace daedalus::core::h264
