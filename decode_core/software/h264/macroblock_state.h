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

// total_coeff by 4x4 block, with the row above and the column to the left.
class CoefficientCounts {
 public:
  static constexpr size_t luma(int x, int y) { return static_cast<size_t>(12 + x + 8 * y); }
  static constexpr size_t chroma(int component, int x, int y) {
    return static_cast<size_t>(40 + 12 * component + 5 + x + 4 * y);
  }
  uint8_t& operator[](size_t place) { return counts_[place]; }
  uint8_t operator[](size_t place) const { return counts_[place]; }
  // The distance from a place to the one above.
  static constexpr size_t kLumaStride = 8;
  static constexpr size_t kChromaStride = 4;

  // `absent` stands for blocks that are not available.
  void load(const Neighbours& near, uint8_t absent);
  void store(std::array<uint8_t, 24>& coefficients) const;

 private:
  std::array<uint8_t, 64> counts_{};
};

// What CABAC's contexts of refIdx and mvd are made of, of one list.
struct MotionContexts {
  static constexpr size_t quarter(int x, int y) { return static_cast<size_t>(5 + x + 4 * y); }
  static constexpr size_t block(int x, int y) { return static_cast<size_t>(12 + x + 8 * y); }

  // By 8x8 block: refIdx is coded and "above 0" (9.3.3.1.1.6).
  std::array<bool, 16> reference_above_0{};
  // Of the macroblock's own: refIdx, 0 where it is not coded.
  std::array<uint8_t, 4> references{};
  // Magnitudes of mvd, 127 at most, by 4x4 block.
  std::array<std::array<uint8_t, 2>, 40> mvd{};

  // The neighbours'; its own become 0.
  void load(const Neighbours& near, size_t list, bool mbaff, bool field);
  void fill_reference(int x, int y, int width, int height, uint8_t reference);
  void fill_mvd(int x, int y, int width, int height, std::array<uint8_t, 2> value);
  void store(MacroblockContext& context, size_t list) const;
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
