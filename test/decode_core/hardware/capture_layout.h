// How drivers lay pictures out in their CAPTURE buffers: formats that are no client's, and padding.
// Written down once more, sample by sample, as what the backend reads is compared with.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_CAPTURE_LAYOUT_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_CAPTURE_LAYOUT_H_

#include <cstdint>
#include <span>

#include "decode_core/hardware/video_node.h"

namespace daedalus::core::test {

// One memory plane: NV12, P010, NC12, NC30 or NV15.
struct CaptureLayout {
  uint32_t fourcc = 0;
  // What sizes are rounded up to, luma samples; those of columns to whole ones besides.
  uint32_t width_step = 1;
  uint32_t height_step = 1;
  uint32_t padding = 0;  // further rows of each column, or bytes of each row
};

QueueFormat format_of(const CaptureLayout& layout, uint32_t width, uint32_t height);

// Component 0 is luma, 1 Cb, 2 Cr; x and y are samples of that component. `value` in its low bits.
void put_sample(const QueueFormat& format, std::span<uint8_t> bytes, uint32_t component, uint32_t x,
                uint32_t y, uint16_t value);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_CAPTURE_LAYOUT_H_
