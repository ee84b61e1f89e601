// Motion vector prediction (8.4.1.3): the motion of one macroblock with what stands left of and
// above it, and what follows from them.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MOTION_CACHE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MOTION_CACHE_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "decode_core/software/h264/macroblock_context.h"
#include "decode_core/software/h264/macroblock_list.h"

namespace daedalus::core::h264 {

// Sets vectors that lie side by side.
template <size_t kCount>
inline void fill_vectors(MotionVector* to, MotionVector vector) {
  if constexpr (kCount == 1) {
    *to = vector;
  } else if constexpr (kCount == 2) {
    const uint64_t two = uint64_t{std::bit_cast<uint32_t>(vector)} * 0x100000001u;
    std::memcpy(static_cast<void*>(to), &two, sizeof two);
  } else {
    fill_vectors<kCount / 2>(to, vector);
    fill_vectors<kCount / 2>(to + kCount / 2, vector);
  }
}

// One list's part. Places are those of 4x4 blocks: rows of 8, the macroblock's own begin at
// place(0, 0), left of them what is left, above them what is above; right above is place(4, -1).
// Where no list is used, and where nothing is available, vectors are 0.
class MotionCache {
 public:
  static constexpr int8_t kUnused = -1;
  static constexpr int8_t kUnavailable = -2;
  // The references of MotionField's entry of what is not available.
  static constexpr std::array<int8_t, 4> kNotAvailable = {kUnavailable, kUnavailable, kUnavailable,
                                                          kUnavailable};
  static constexpr size_t kStride = 8;
  static constexpr size_t place(int x, int y) { return static_cast<size_t>(12 + x + 8 * y); }

  // Takes the neighbours' motion in, in the units of a frame or of a field macroblock (8.4.1.3.1);
  // its own blocks become kUnavailable.
  void load(const MotionField& motion, size_t list, const Neighbours& near, bool mbaff, bool field);

  // Sets width x height blocks, 1, 2 or 4 each. Inside the macroblock.
  void fill(int x, int y, int width, int height, int8_t reference, MotionVector vector) {
    switch (width) {
      case 4:
        return fill_rows<4>(place(x, y), height, reference, vector);
      case 2:
        return fill_rows<2>(place(x, y), height, reference, vector);
      default:
        return fill_rows<1>(place(x, y), height, reference, vector);
    }
  }
  // Of an 8x8 block.
  void fill_reference(int x, int y, int8_t reference) {
    const size_t first = place(x, y);
    references_[first] = references_[first + 1] = reference;
    references_[first + kStride] = references_[first + kStride + 1] = reference;
  }

  // mvpLX of the partition of `width` blocks at (x, y) (8.4.1.3).
  MotionVector predict(int x, int y, int width, int8_t reference) const;
  // Of 16x8 partitions (y 0 or 2) and of 8x16 ones (x 0 or 2).
  MotionVector predict_16x8(int y, int8_t reference) const;
  MotionVector predict_8x16(int x, int8_t reference) const;
  // P_Skip's vector (8.4.1.1).
  MotionVector predict_skip() const;
  // The smallest refIdx that is used of A, B, C of the whole macroblock; negative: none
  // (8.4.1.2.2).
  int8_t smallest_reference() const;

  int8_t reference(int x, int y) const { return references_[place(x, y)]; }
  MotionVector vector(int x, int y) const { return vectors_[place(x, y)]; }

  // Writes the macroblock's own motion back.
  void store(MotionField& motion, size_t list, uint32_t macroblock) const;

 private:
  struct Neighbour {
    int8_t reference;
    MotionVector vector;
  };
  // What a macroblock of an MBAFF frame takes from.
  struct Source {
    const std::array<MotionVector, 16>* vectors;
    const std::array<int8_t, 4>* references;
    bool field;
  };
  void load_mbaff(const Source& from, const Neighbours& near);
  static void take(const Source& from, const Neighbours::Place& at, size_t x, size_t y,
                   MotionVector& vector, int8_t& reference);
  Neighbour at(size_t place) const { return {references_[place], vectors_[place]}; }
  // C, or D where C is not available.
  Neighbour diagonal(int x, int y, int width) const;

  template <size_t kWidth>
  void fill_rows(size_t first, int height, int8_t reference, MotionVector vector) {
    const uint32_t four = uint32_t{static_cast<uint8_t>(reference)} * 0x01010101u;
    for (int y = 0; y < height; ++y, first += kStride) {
      fill_vectors<kWidth>(&vectors_[first], vector);
      std::memcpy(&references_[first], &four, kWidth);
    }
  }

  std::array<MotionVector, 40> vectors_{};
  std::array<int8_t, 40> references_{};
  // D of the first column's rows 1 to 3, where it is not simply one row up.
  bool mixed_left_ = false;
  std::array<MotionVector, 4> left_vectors_{};
  std::array<int8_t, 4> left_references_{};
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MOTION_CACHE_H_
