// StreamDecoder: bytes in, pictures out in display order; the engine of the stateful V4L2 device.
#ifndef DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_
#define DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/core.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/picture.h"
#include "decode_core/stream/stream_format.h"

namespace daedalus::core {

// One picture in display order.
struct StreamPicture {
  FrameBuffer frame;
  StreamFormat format;
  uint64_t token = 0;  // of the packet that it began in
  bool keyframe = false;
  // libavcodec saw damage and made samples up. For H.264 it may miss some before libavcodec 61,
  // where a frame's thread tells the others too late; in interlaced pictures it goes unmarked.
  bool damaged = false;
};

// One stream; decodes on threads of its own (libavcodec frame threads). Thread-safe, with one
// consumer. Decoding starts at a keyframe; what cannot be decoded is counted and passed over.
class StreamDecoder {
 public:
  struct Config {
    Codec codec = Codec::kH264;
    std::string front = "v4l2";
  };
  // `changed` is called on any thread, with no lock of ours held, after a picture came out, the
  // format became known, a drain ended, or a packet was taken in that leaves fewer than kFewQueued
  // behind. It must not wait for a thread that destroys the decoder.
  static Result<std::unique_ptr<StreamDecoder>> create(std::shared_ptr<Core> core,
                                                       const Config& config,
                                                       std::function<void()> changed);
  // At any time, in mid-decode too. `changed` is not called any more once it returns.
  virtual ~StreamDecoder() = default;

  // Queues a copy of one packet: an access unit, a frame, or any run of bytes of an H.264, HEVC or
  // MPEG-2 byte stream with start codes. `token` comes back with each picture that begins in the
  // packet. False: kMaxQueued packets wait already, or a drain is under way; try again after
  // changed().
  virtual bool push(std::span<const uint8_t> bytes, uint64_t token) = 0;
  // Tokens of packets that were taken in (OUTPUT buffers that may go back), in order. What format()
  // learns of a packet's headers it says before. While enough packets wait they come along with the
  // pictures, which spares a wake-up a packet.
  virtual std::optional<uint64_t> pop_consumed() = 0;
  // The next picture, if one is out. Pictures wait inside, bounded; decoding stops while
  // kMaxPictures of them do.
  virtual std::optional<StreamPicture> pop_picture() = 0;

  // Everything pushed so far is to come out. drained() becomes true once the last picture was
  // popped, and false again with the next push() or flush(). Decoding then goes on at a keyframe:
  // libavcodec gives its references up with its last picture.
  virtual void drain() = 0;
  virtual bool drained() const = 0;

  // Forgets all that was pushed and not popped, tokens included, and a drain that is under way (a
  // seek); parameter sets stay known.
  virtual void flush() = 0;

  // The format of the picture that pop_picture() would return; where none waits, of the last one
  // returned; before the first one, what the headers say as soon as they are whole (no picture is
  // needed for that). So a change is seen before its first picture is popped. Every picture counts
  // for `min_buffers` as the first of its format does.
  virtual std::optional<StreamFormat> format() const = 0;

  // For the statistics page: one more picture whose stage ran so.
  virtual void count_stage(const StageRun& run) = 0;

  static constexpr size_t kMaxQueued = 16;
  static constexpr size_t kFewQueued = 2;
  static constexpr size_t kMaxPictures = 8;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_STREAM_DECODER_H_
