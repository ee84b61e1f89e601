// The syntax elements of slice data as CAVLC and Exp-Golomb codes have them (9.1, 9.2).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_SYNTAX_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_SYNTAX_H_

#include <array>
#include <cstdint>

#include "decode_core/software/h264/bit_window.h"
#include "decode_core/software/h264/macroblock_state.h"

namespace daedalus::core::h264 {

// The functions are CabacSyntax's.
class CavlcSyntax {
 public:
  static constexpr bool kIsCabac = false;
  static constexpr uint8_t kPcmCount = 16;
  // Above all counts, so that the sum of two tells what is there (9.2.1).
  static uint8_t absent_count(bool) { return kAbsent; }

  // first: the bit of the data at which slice_data() begins. BitWindow::kPadding bytes behind it.
  void start(const uint8_t* begin, const uint8_t* end, size_t first);

  uint32_t skip_run() { return bits_.ue(); }
  bool field_flag() { return bits_.flag(); }
  // more_rbsp_data()
  bool more_data() const { return bits_.position() < stop_bit_; }
  bool overrun() const { return damaged_ || bits_.position() > stop_bit_; }
  // Nothing but rbsp_trailing_bits is left.
  bool ends_with_stop_bit() const { return bits_.position() == stop_bit_; }

  unsigned mb_type_i(const Neighbours&) { return bits_.ue(); }
  unsigned mb_type_p() { return bits_.ue(); }
  unsigned mb_type_b(const Neighbours&) { return bits_.ue(); }
  unsigned sub_mb_type_p() { return bits_.ue(); }
  unsigned sub_mb_type_b() { return bits_.ue(); }
  bool transform_8x8_flag(const Neighbours&) { return bits_.flag(); }
  int intra_mode() { return bits_.flag() ? -1 : static_cast<int>(bits_.u(3)); }
  unsigned chroma_mode(const Neighbours&) { return bits_.ue(); }
  // 48 and more: no such code.
  unsigned coded_block_pattern(const Neighbours&, bool intra_nxn, bool has_chroma);
  int qp_delta() { return bits_.se(); }
  void no_qp_delta() {}
  unsigned reference(const MotionContexts&, int, int, unsigned entries) {
    if (entries == 2) return bits_.flag() ? 0 : 1;
    return bits_.ue();
  }
  std::array<int, 2> mvd(const MotionContexts&, int, int) {
    const int x = bits_.se();
    const int y = bits_.se();
    return {x, y};
  }
  const uint8_t* pcm_samples(size_t bytes);

  struct Block {
    bool coded;
    bool beyond_first;
  };
  Block luma_4x4(MacroblockState& state, BlockCategory category, int x, int y,
                 const LevelScale::Block4x4& scale, int16_t* out);
  Block luma_8x8(MacroblockState& state, int x, int y, const LevelScale::Block8x8& scale,
                 int16_t* out);
  Block chroma_ac(MacroblockState& state, int component, int x, int y,
                  const LevelScale::Block4x4& scale, int16_t* out);
  bool luma_dc(MacroblockState& state, std::array<int32_t, 16>& levels);
  bool chroma_dc(MacroblockState& state, int component, std::array<int32_t, 4>& levels);

 private:
  static constexpr uint8_t kAbsent = 64;

  template <unsigned kCount, typename Sink>
  unsigned decode_block(unsigned count_class, unsigned& last, Sink&& sink);
  template <unsigned kCount>
  unsigned read_total_zeros(unsigned total);
  int32_t read_level(unsigned& suffix_length, bool skips_ones);

  BitWindow bits_;
  size_t stop_bit_ = 0;
  bool damaged_ = false;  // a code that is none was met
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CAVLC_SYNTAX_H_
