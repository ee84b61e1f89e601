#include "decode_core/hardware/format_negotiation.h"

#include <algorithm>
#include <string>

#include "decode_core/hardware/capture_format.h"

namespace daedalus::core {
namespace {

// A coded picture of intra blocks is seldom larger than half of its samples.
constexpr size_t kLeastCodedBytes = size_t{512} << 10;

Status set_output_format(VideoNode& node, const CodecInterface& interface, CodedSize size,
                         size_t coded_bytes) {
  const size_t usual = size_t{size.width} * size.height / 4 * 3;
  const auto wanted = static_cast<uint32_t>(std::max({coded_bytes, usual, kLeastCodedBytes}));
  const auto format =
      node.set_format(Queue::kOutput, interface.fourcc, size.width, size.height, wanted);
  if (!format) return format.error();
  if (format->fourcc == interface.fourcc) return {};
  return Error{ErrorCode::kUnsupported, node.path() + ": VIDIOC_S_FMT gives another codec"};
}

// The driver's own choice, else the first that it lists and we can read; what has to be unpacked is
// the last resort.
Result<QueueFormat> find_capture_format(VideoNode& node, CodedSize size, int bit_depth) {
  for (const bool packed : {false, true}) {
    const auto fits = [&](uint32_t fourcc) {
      return bit_depth_of_capture(fourcc) == bit_depth && is_packed_capture(fourcc) == packed;
    };
    auto format = node.get_format(Queue::kCapture);
    if (!format || fits(format->fourcc)) return format;
    for (const uint32_t fourcc : node.formats(Queue::kCapture)) {
      if (!fits(fourcc)) continue;
      format = node.set_format(Queue::kCapture, fourcc, size.width, size.height, 0);
      if (!format || fits(format->fourcc)) return format;
    }
  }
  return Error{ErrorCode::kUnsupported, node.path() + ": no CAPTURE format that can be read has " +
                                            std::to_string(bit_depth) + " bits"};
}

// What jobs have for coded_width() and coded_height(): H.264 whole macroblocks (7.4.2.1.1), HEVC
// whole coding blocks, of 8 samples at least (7.4.3.2.1), the others the picture itself.
CodedSize coded_size_of(Codec codec, CodedSize visible) {
  const uint32_t unit = codec == Codec::kH264 ? 16 : codec == Codec::kHevc ? 8 : 1;
  const auto whole = [=](uint32_t samples) { return (samples + unit - 1) / unit * unit; };
  return {whole(visible.width), whole(visible.height)};
}

}  // namespace

// The size, then the kind of stream, then what pictures can become. Each makes the driver choose
// what comes after it anew, so none of them is said twice, nor once there are buffers.
Result<QueueFormat> negotiate_formats(VideoNode& node, const CodecInterface& interface,
                                      const SequenceControl& sequence, CodedSize size,
                                      int bit_depth, size_t coded_bytes) {
  if (Status status = set_output_format(node, interface, size, coded_bytes); !status) {
    return status.error();
  }
  if (Status status = node.set_controls(sequence.values(), -1); !status) {
    return Error{ErrorCode::kUnsupported, status.error().message};
  }
  auto format = find_capture_format(node, size, bit_depth);
  if (!format || holds_picture(*format, size.width, size.height)) return format;
  return Error{ErrorCode::kUnsupported, node.path() + ": its CAPTURE buffers do not hold " +
                                            std::to_string(size.width) + "x" +
                                            std::to_string(size.height)};
}

Result<LinearLayout> query_surface_layout(DeviceCalls& calls, const std::string& path, Codec codec,
                                          CodedSize visible, int bit_depth) {
  const Error never{ErrorCode::kUnsupported, path + ": surfaces are not decoded into"};
  const CodecInterface* interface = codec_interface(codec);
  if (interface == nullptr) return never;
  auto node = VideoNode::open(calls, path);
  if (!node) return node.error();
  const CodedSize size = coded_size_of(codec, visible);
  const SequenceControl sequence(codec, size.width, size.height, bit_depth);
  const auto format = negotiate_formats(*node, *interface, sequence, size, bit_depth, 0);
  if (!format) return format.error();
  const auto layout = surface_layout(*format);
  return layout ? Result<LinearLayout>(*layout) : never;
}

}  // namespace daedalus::core
