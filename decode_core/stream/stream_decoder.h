// StreamDecoder: bytes in, pictures out in display order; the engine of the stateful V4L2 device.
#ifndef DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_
#define DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/core.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"

namespace daedalus::core {

// Colour as the bitstream says it, in the code points of ISO/IEC 23091-2 (2: unspecified).
struct Colorimetry {
  uint8_t primaries = 2;
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool full_range = false;
};

// What a change of any needs new CAPTURE buffers for.
struct StreamFormat {
  uint32_t coded_width = 0;  // luma samples
  uint32_t coded_height = 0;
  Rect visible;              // the cropping window
  int bit_depth = 8;         // 8 or 10
  uint32_t min_buffers = 1;  // pictures that the decoder itself may hold back
  Colorimetry colorimetry;
  bool operator==(const StreamFormat&) const;
};

// One picture in display order.
struct StreamPicture {
  FrameBuffer frame;
  StreamFormat format;
  uint64_t token = 0;      // of the packet that it came in
  bool keyframe = false;
  bool damaged = false;    // concealed
};

// One stream; decodes on threads of its own (libavcodec frame threads). Thread-safe.
class StreamDecoder {
 public:
  struct Config {
    Codec codec = Codec::kH264;
    std::string front = "v4l2";
  };
  // `changed` is called on any thread, with no lock held, after a picture came out, a packet was
  // consumed or the drain ended.
  static Result<std::unique_ptr<StreamDecoder>> create(std::shared_ptr<Core> core,
                                                       const Config& config,
                                                       std::function<void()> changed);
  virtual ~StreamDecoder() = default;

  // Queues a copy of one packet: an access unit, a frame, or any run of bytes of an H.264 or MPEG-2
  // byte stream with start codes. `token` comes back with its picture. False: kMaxQueued packets
  // wait already; try again after changed().
  virtual bool push(std::span<const uint8_t> bytes, uint64_t token) = 0;
  // Tokens of packets that were taken in (OUTPUT buffers that may go back), in order.
  virtual std::optional<uint64_t> pop_consumed() = 0;
  // The next picture, if one is out. Pictures wait inside, bounded; decoding stops while
  // kMaxPictures of them do.
  virtual std::optional<StreamPicture> pop_picture() = 0;
  // Everything pushed so far is to come out; drained() becomes true behind the last picture popped.
  virtual void drain() = 0;
  virtual bool drained() const = 0;
  // Forgets all that was pushed and not popped (a seek); parameter sets stay known.
  virtual void flush() = 0;
  // The format of the last picture decoded, once known (headers suffice).
  virtual std::optional<StreamFormat> format() const = 0;

  static constexpr size_t kMaxQueued = 16;
  static constexpr size_t kMaxPictures = 8;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_
