// Pictures out of CAPTURE buffers, as planes of their own.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_PICTURE_READER_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_PICTURE_READER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::v4l2_client {

// A displayed picture: planes Y, U, V without padding, 4:2:0; above 8 bits in 16-bit words, little
// endian, the values at the low end.
struct Frame {
  uint32_t width = 0, height = 0;  // luma samples
  int bit_depth = 8;
  std::vector<uint8_t> samples;
};

// Whether read_picture() knows the format: NV12, NV12M, YU12, P010.
bool is_readable(uint32_t fourcc);
int bit_depth_of(uint32_t fourcc);

// `planes`: the memory planes of a buffer of that format. False: the visible part is not inside.
bool read_picture(const v4l2_pix_format_mplane& format,
                  std::span<const std::span<const uint8_t>> planes,
                  const clients::Rectangle& visible, Frame* frame);

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_PICTURE_READER_H_
