#include "decode_core/software/libavcodec/codec_context.h"

#include <array>

#include "base/log.h"

namespace daedalus::core {
namespace {

const char* decoder_name(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "h264";
    case Codec::kVp9:
      return "vp9";
    case Codec::kVp8:
      return "vp8";
    case Codec::kHevc:
      return "hevc";
    case Codec::kAv1:
      return "libdav1d";
    case Codec::kMpeg2:
      break;
  }
  return "mpeg2video";
}

}  // namespace

std::string av_error_text(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

Result<AvCodecContext> make_codec_context(Codec codec) {
  const AVCodec* decoder = avcodec_find_decoder_by_name(decoder_name(codec));
  if (decoder == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 std::string("this libavcodec has no decoder called ") + decoder_name(codec)};
  }
  AvCodecContext context(avcodec_alloc_context3(decoder));
  if (context == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for a decoder"};
  context->apply_cropping = 0;
  // The client's libavcodec is this very library, and so is its log: stay out of it. The sum of
  // offset and level (at most 56) has to stay below 256, where flags begin.
  if (!log_enabled(LogLevel::kDebug)) context->log_level_offset = 100;
  return context;
}

}  // namespace daedalus::core
