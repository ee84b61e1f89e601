// Writes H.264 headers bit by bit, for tests: the inverse of decode_core/headers, written from the
// syntax tables alone.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEADERS_H264_WRITER_H_
#define DAEDALUS_TEST_DECODE_CORE_HEADERS_H264_WRITER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "decode_core/headers/h264_pps.h"
#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/h264_sps.h"

namespace daedalus::test {

class BitWriter {
 public:
  void u(uint64_t value, unsigned count);
  void flag(bool value) { u(value ? 1 : 0, 1); }
  void ue(uint64_t value);
  void se(int64_t value);

  size_t size() const { return size_; }  // bits
  // rbsp_trailing_bits(), then the bytes.
  std::vector<uint8_t> finish();

 private:
  std::vector<uint8_t> bytes_;
  size_t size_ = 0;
};

// `rbsp` behind a NAL unit header, with emulation prevention; no start code.
std::vector<uint8_t> make_nal(int ref_idc, int type, std::span<const uint8_t> rbsp);

// Scaling lists are not written. A restriction stands in VUI parameters that have everything
// else too.
std::vector<uint8_t> write_sps(const headers::H264Sps& sps);
std::vector<uint8_t> write_pps(const headers::H264Sps& sps, const headers::H264Pps& pps);
// A slice of that header and 32 bits of data; `header.slice.header_bit_size` and the other sizes
// are ignored, the weights are written where the PPS wants them, each with its flag. The slice type
// and first_mb_in_slice stand in `header.slice`.
std::vector<uint8_t> write_slice(const headers::H264SliceHeader& header,
                                 const headers::H264SliceContext& context);

// A small sequence: `width_mbs` by `height_map_units`, level 4.0, picture order counts of type 0
// with 8 bits, frame_num of 4 bits.
headers::H264Sps simple_sps(uint16_t width_mbs = 4, uint16_t height_map_units = 4);
headers::H264Pps simple_pps();

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEADERS_H264_WRITER_H_
