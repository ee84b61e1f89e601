// FrameThreadDecoder: libavcodec with frame threads: packets in, pictures out in display order.
#ifndef DAEDALUS_DECODE_CORE_STREAM_FRAME_THREAD_DECODER_H_
#define DAEDALUS_DECODE_CORE_STREAM_FRAME_THREAD_DECODER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/software/libavcodec/codec_context.h"
#include "decode_core/software/libavcodec/frame_allocator.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::core {

// Not thread-safe; the callback comes on any thread.
class FrameThreadDecoder {
 public:
  // `on_headers` is called, during send() and receive() only, with the format of the first frame
  // whose headers were read; its cropping may still lack the left and upper border.
  // `memory`: where pictures are decoded to, but for AV1's; null for the heap.
  FrameThreadDecoder(std::function<void(const StreamFormat&)> on_headers,
                     std::shared_ptr<FrameMemorySource> memory)
      : on_headers_(std::move(on_headers)), allocator_(std::move(memory)) {}

  // `threads`: frames decoded at a time; slices where the decoder has no frame threads (MPEG-2).
  Status open(Codec codec, int threads);

  // The packet to fill for send().
  AVPacket& packet() { return *packet_; }
  std::span<const uint8_t> packet_bytes() const;

  // Gives packet() to the decoder, which must have said that it wants more. The error may be of an
  // earlier packet.
  Status send();
  // No packet follows until restart().
  void finish();

  // Nothing and not ended: it wants a packet.
  struct Received {
    std::optional<StreamPicture> picture;
    bool ended = false;  // after finish(): that was the last
  };
  // An error is of some packet, which is lost; call again.
  Result<Received> receive();

  // Forgets pictures and references; parameter sets stay known.
  void restart();
  // Decodes parameter sets, for what comes next.
  void learn(std::span<const uint8_t> parameter_sets);

  // "High", …, once a picture was received; may be empty.
  std::string_view profile() const;

 private:
  static int get_buffer(AVCodecContext* context, AVFrame* frame, int flags);
  int allocate(AVCodecContext& context, AVFrame& frame);
  Error error_of(int code);
  Result<StreamPicture> picture_of(const AVFrame& frame) const;

  const std::function<void(const StreamFormat&)> on_headers_;
  std::atomic<bool> headers_told_{false};
  FrameAllocator allocator_;
  std::mutex mutex_;
  std::string allocation_error_;  // the last one, not told yet
  AvPacket packet_;
  AvFrame frame_;
  AvCodecContext context_;
  bool own_memory_ = false;  // the decoder does not call get_buffer()
  int errors_ = 0;           // in a row
  bool finishing_ = false;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_STREAM_FRAME_THREAD_DECODER_H_
