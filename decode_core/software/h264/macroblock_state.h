// The macroblock in work, as both entropy coders see it: its neighbours, the counts and
// differences that their contexts are made of, and where its coefficients go.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_STATE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "decode_core/software/h264/level_scale.h"
#include "decode_core/software/h264/macroblock_context.h"
#include "decode_core/software/h264/macroblock_list.h"

namespace daedalus::core::h264 {

// ctxBlockCat (table 9-42) of 4:2:0.
enum class BlockCategory : uint8_t {
  kLumaDc,   // Intra16x16DCLevel
  kLumaAc,   // Intra16x16ACLevel
  kLuma4x4,  // LumaLevel4x4
  kChromaDc,
  kChromaAc,
  kLuma8x8,
};

// The macroblock's values that neighbouring blocks predict or select from are kept as they stand
// left of and above the blocks to come: a block that is done replaces both. Blocks come so that
// what is left of and above each is done before it.

// total_coeff by 4x4 block, in the order of MacroblockContext::right_counts.
class CoefficientCounts {
 public:
  // Of the blocks left of and above one; the next ones see what is set.
  struct Place {
    uint8_t& left;
    uint8_t& top;
    void set(uint8_t count) { left = top = count; }
  };
  Place luma(int x, int y) { return {left_[static_cast<size_t>(y)], top_[static_cast<size_t>(x)]}; }
  Place chroma(int component, int x, int y) {
    return luma(4 + 2 * component + x, 4 + 2 * component + y);
  }
  // All four of an 8x8 luma block.
  void set_8x8(int x, int y, uint8_t count) {
    luma(x, y).set(count);
    luma(x + 1, y + 1).set(count);
  }
  void clear_luma() { clear(0); }
  void clear_chroma() { clear(4); }

  // `absent` stands for blocks that are not available.
  void load(const Neighbours& near, uint8_t absent);
  void store(MacroblockContext& context) const;

 private:
  void clear(size_t first) {
    std::memset(&left_[first], 0, 4);
    std::memset(&top_[first], 0, 4);
  }
  std::array<uint8_t, 8> left_{};
  std::array<uint8_t, 8> top_{};
};

// What CABAC's contexts of refIdx and mvd are made of, of one list. Each part of the macroblock
// sets both, 0 where they are not coded.
struct MotionContexts {
  using Magnitudes = std::array<uint8_t, 2>;  // of mvd, 127 at most

  // By 8x8 block, in the units of the current macroblock (9.3.3.1.1.6).
  std::array<uint8_t, 2> left_references{};
  std::array<uint8_t, 2> top_references{};
  // By 4x4 block, likewise (9.3.3.1.1.7).
  std::array<Magnitudes, 4> left_mvd{};
  std::array<Magnitudes, 4> top_mvd{};

  void load(const Neighbours& near, size_t list, bool mbaff, bool field);
  void store(MacroblockContext& context, size_t list) const;
  // Of width x height 4x4 blocks.
  void set_reference(int x, int y, int width, int height, uint8_t reference) {
    if (y < 2) left_references[0] = reference;
    if (y + height > 2) left_references[1] = reference;
    if (x < 2) top_references[0] = reference;
    if (x + width > 2) top_references[1] = reference;
  }
  void set_mvd(int x, int y, int width, int height, Magnitudes value) {
    set(left_mvd, y, height, value);
    set(top_mvd, x, width, value);
  }

 private:
  static void set(std::array<Magnitudes, 4>& edge, int first, int count, Magnitudes value) {
    const std::array<Magnitudes, 4> values = {value, value, value, value};
    Magnitudes* const to = &edge[static_cast<size_t>(first)];
    if (count == 4) {
      std::memcpy(to, values.data(), sizeof values);
    } else if (count == 2) {
      std::memcpy(to, values.data(), sizeof values / 2);
    } else {
      *to = value;
    }
  }
  void load_mixed(const Neighbours& near, size_t list, bool field);
};

// Writes the coefficients of one macroblock behind those of the ones before.
class ResidualWriter {
 public:
  // Most values a macroblock takes.
  static constexpr size_t kMostValues = 384 + 32;

  void begin(int16_t* values) {
    begin_ = next_ = values;
    full_ = dc_ = 0;
    dc_count_ = 0;
  }
  // Room for the next block, zeroed.
  template <size_t kValues>
  int16_t* block() {
    std::memset(next_, 0, kValues * sizeof(int16_t));
    return next_;
  }
  // The block that was begun last is full block `bit`.
  void keep(unsigned bit, size_t values) {
    full_ |= 1u << bit;
    next_ += values;
  }
  void keep_dc(unsigned bit, int16_t value) {
    dc_ |= 1u << bit;
    dc_values_[dc_count_++] = value;
  }
  // Writes the masks into the macroblock; the values taken, a multiple of 16.
  size_t finish(Macroblock& macroblock);

 private:
  int16_t* begin_ = nullptr;
  int16_t* next_ = nullptr;
  uint32_t full_ = 0;
  uint32_t dc_ = 0;
  size_t dc_count_ = 0;
  std::array<int16_t, 24> dc_values_{};
};

struct MacroblockState {
  Neighbours near;
  MacroblockContext* context = nullptr;
  bool intra = false;
  bool field_scan = false;  // a field macroblock, or in a field
  CoefficientCounts counts;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_MACROBLOCK_STATE_H_
