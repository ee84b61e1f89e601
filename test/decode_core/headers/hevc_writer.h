// Writes HEVC sequence parameter sets bit by bit, for tests: the inverse of
// decode_core/headers/hevc_sps, written from the syntax tables alone.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEADERS_HEVC_WRITER_H_
#define DAEDALUS_TEST_DECODE_CORE_HEADERS_HEVC_WRITER_H_

#include <cstdint>
#include <vector>

#include "decode_core/headers/hevc_sps.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::test {

// st_ref_pic_set() (H.265 7.3.7).
struct HevcSetSyntax {
  // Predicted from the set before it: each delta of that one, and 0 behind them, moved by
  // `delta_rps` where it is kept.
  bool predicted = false;
  int delta_rps = 1;
  std::vector<bool> kept;  // missing ones are
  // Else as they are: negative ones from the nearest on, then positive ones.
  std::vector<int> deltas;
};

// What an HevcSps does not hold, but its syntax does.
struct HevcSpsSyntax {
  unsigned max_sub_layers_minus1 = 0;
  bool sub_layer_profiles = false;  // of every second sub-layer
  bool sub_layer_ordering = false;  // the lower sub-layers have a buffer of one picture
  unsigned log2_smallest_coding_block = 3;
  bool scaling_lists = false;
  bool pcm = false;
  std::vector<HevcSetSyntax> sets;
  unsigned long_term_pictures = 0;
  unsigned log2_order_count = 8;
  bool vui = true;
};

// The deltas of each set, nearest first, negative ones before positive ones.
std::vector<std::vector<int>> hevc_deltas(const std::vector<HevcSetSyntax>& sets);
void write_hevc_set(BitWriter& out, const HevcSetSyntax& set, const std::vector<int>& before,
                    bool first);

// A NAL unit of type 33, no start code.
std::vector<uint8_t> write_hevc_sps(const headers::HevcSps& sps, const HevcSpsSyntax& syntax = {});

// 64x64 in 4:2:0 of 8 bits.
headers::HevcSps simple_hevc_sps();

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEADERS_HEVC_WRITER_H_
