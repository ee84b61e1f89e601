// The formats of a node's two queues, as a driver and we agree on them for one kind of picture.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_FORMAT_NEGOTIATION_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_FORMAT_NEGOTIATION_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/request_content.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/image.h"

namespace daedalus::core {

struct CodedSize {
  uint32_t width = 0;  // luma samples
  uint32_t height = 0;
};

// Sets the formats of both queues, which have no buffers, for pictures of `size` and `bit_depth`,
// and returns that of CAPTURE ("Initialization"). An OUTPUT buffer has room for `coded_bytes` and
// more. kUnsupported: the device does not decode such pictures.
Result<QueueFormat> negotiate_formats(VideoNode& node, const CodecInterface& interface,
                                      const SequenceControl& sequence, CodedSize size,
                                      int bit_depth, size_t coded_bytes);

// What the device at `path` would have a surface's memory look like, for pictures of such a visible
// size to be decoded into it. kUnsupported: it never is.
Result<LinearLayout> query_surface_layout(DeviceCalls& calls, const std::string& path, Codec codec,
                                          CodedSize visible, int bit_depth);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_FORMAT_NEGOTIATION_H_
