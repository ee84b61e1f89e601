// What every user of libavcodec's decoders needs: owned handles, the decoder of a codec, its
// errors.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_CODEC_CONTEXT_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_CODEC_CONTEXT_H_

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include "base/result.h"
#include "decode_core/codec.h"

namespace daedalus::core {

struct FreeCodecContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};

using AvCodecContext = std::unique_ptr<AVCodecContext, FreeCodecContext>;
using AvPacket = std::unique_ptr<AVPacket, FreePacket>;
using AvFrame = std::unique_ptr<AVFrame, FreeFrame>;

// "Invalid data found when processing input", … for a negative AVERROR.
std::string av_error_text(int error);

// libavcodec's own decoder of the codec, not opened yet: whole frames (cropping is told, not
// applied), and silent unless DAEDALUS_LOG=debug. kUnsupported: this libavcodec lacks it.
Result<AvCodecContext> make_codec_context(Codec codec);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_CODEC_CONTEXT_H_
