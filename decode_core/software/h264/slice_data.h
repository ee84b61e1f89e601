// SliceData: slice_data() (7.3.4) of one slice, macroblock by macroblock (pair by pair in MBAFF
// frames).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_DATA_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_DATA_H_

#include <cstdint>
#include <span>
#include <vector>

#include "decode_core/software/h264/cabac_syntax.h"
#include "decode_core/software/h264/cavlc_syntax.h"
#include "decode_core/software/h264/macroblock_parser.h"

namespace daedalus::core::h264 {

class SliceData {
 public:
  enum class Outcome : uint8_t {
    kMore,   // another macroblock follows
    kLast,   // it was the slice's last
    kError,  // it is damaged, and what follows cannot be read
  };

  SliceData(PictureContext& picture, bool cabac)
      : picture_(picture), cabac_(cabac), parser_(picture) {}

  // nal: the whole NAL unit, emulation prevention kept; the slice header's size and contents in
  // `slice`, which is the picture's `index`th. initial_qp: SliceQPY. direct: as
  // MacroblockParser::begin_slice. False: there is no slice data.
  bool begin(std::span<const uint8_t> nal, const Slice& slice, uint32_t index, int initial_qp,
             const DirectPrediction& direct);

  // The macroblock, or the pair, at (x, row).
  Outcome parse(uint32_t x, uint32_t row);

  // After kLast: nothing but rbsp_trailing_bits is left.
  bool ends_cleanly() const;

 private:
  template <typename Syntax>
  Outcome parse_one(Syntax& syntax, uint32_t x, uint32_t row);
  template <typename Syntax>
  Outcome parse_pair(Syntax& syntax, uint32_t x, uint32_t row);
  template <typename Syntax>
  bool read_skipped(Syntax& syntax);
  template <typename Syntax>
  bool parse_macroblock(Syntax& syntax, bool skipped);
  template <typename Syntax>
  Outcome outcome(Syntax& syntax, bool valid, bool skipped);
  bool field_flag(CabacSyntax& syntax, uint32_t x, uint32_t y);
  bool field_flag(CavlcSyntax& syntax, uint32_t, uint32_t) { return syntax.field_flag(); }
  bool inferred_field(uint32_t x, uint32_t y) const;

  PictureContext& picture_;
  const bool cabac_;
  MacroblockParser parser_;
  CabacSyntax cabac_syntax_;
  CavlcSyntax cavlc_syntax_;
  std::vector<uint8_t> rbsp_;  // without emulation prevention, padded
  size_t size_ = 0;            // of it, bytes, without padding and trailing zero bytes
  // CAVLC: macroblocks that mb_skip_run still skips; whether it was read for the next one.
  uint32_t skip_run_ = 0;
  bool skip_run_known_ = false;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_SLICE_DATA_H_
