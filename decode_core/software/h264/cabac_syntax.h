// The syntax elements of slice data as CABAC codes them (9.3.2, 9.3.3.1).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_SYNTAX_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_SYNTAX_H_

#include <array>
#include <cstdint>

#include "decode_core/software/h264/cabac.h"
#include "decode_core/software/h264/macroblock_state.h"

namespace daedalus::core::h264 {

// Values are checked against nothing but what bounds the reading: whoever calls compares them with
// their range.
class CabacSyntax {
 public:
  static constexpr bool kIsCabac = true;
  static constexpr uint8_t kPcmCount = 16;
  // What an absent block counts as (9.3.3.1.1.9).
  static uint8_t absent_count(bool intra) { return intra ? 1 : 0; }

  // `data`: slice_data() from its first whole byte; CabacEngine::kPadding zero bytes behind it.
  void start(const uint8_t* begin, const uint8_t* end, int slice_qp, size_t table) {
    contexts_.initialise(slice_qp, table);
    engine_.start(begin, end);
    last_qp_delta_ = false;
  }

  bool skip_flag(const Neighbours& near, bool b_slice);
  bool field_flag(const MacroblockContext& left_pair, const MacroblockContext& top_pair);
  bool end_of_slice() { return engine_.terminate(); }
  // After end_of_slice() was true: nothing but rbsp_trailing_bits is left. Some encoders write more
  // bits behind the stop bit: up to a byte of them is let pass.
  bool ends_with_stop_bit() const;
  bool overrun() const { return engine_.overrun(); }

  // mb_type by its number in tables 7-11, 7-13 and 7-14, intra types following the others.
  unsigned mb_type_i(const Neighbours& near);
  unsigned mb_type_p();
  unsigned mb_type_b(const Neighbours& near);
  unsigned sub_mb_type_p();
  unsigned sub_mb_type_b();

  bool transform_8x8_flag(const Neighbours& near);
  // rem_intra_pred_mode, or -1: as predicted.
  int intra_mode();
  unsigned chroma_mode(const Neighbours& near);
  // Luma 0 to 15, chroma << 4.
  unsigned coded_block_pattern(const Neighbours& near, bool intra_nxn, bool has_chroma);
  int qp_delta();
  // A macroblock without mb_qp_delta.
  void no_qp_delta() { last_qp_delta_ = false; }

  // Of the part whose first 4x4 block is (x, y). entries: how many the list has, as the macroblock
  // sees it.
  unsigned reference(const MotionContexts& contexts, int x, int y, unsigned entries);
  std::array<int, 2> mvd(const MotionContexts& contexts, int x, int y);

  // The samples of I_PCM: null where there are not that many bytes. Starts the engine behind them.
  const uint8_t* pcm_samples(size_t bytes);

  // One block of residual_block(). Coefficients from `first` on, scaled into `out`. Whether there
  // is one but the first. Sets the block's count.
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
  // Raw levels, in raster order. False: none.
  bool luma_dc(MacroblockState& state, std::array<int32_t, 16>& levels);
  bool chroma_dc(MacroblockState& state, int component, std::array<int32_t, 4>& levels);

 private:
  bool decision(size_t context) { return engine_.decision(contexts_.variables[context]); }
  bool coded_block_flag(BlockCategory category, CoefficientCounts::Place place);
  unsigned intra_type(size_t base, bool i_slice);
  unsigned inter_type_b(const Neighbours& near);
  static int mvd_component(CabacEngine::Local& engine, CabacContext* contexts, unsigned sum);

  CabacEngine engine_;
  CabacContexts contexts_;
  bool last_qp_delta_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_CABAC_SYNTAX_H_
