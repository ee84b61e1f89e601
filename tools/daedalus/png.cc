#include "tools/daedalus/png.h"

#include <array>
#include <cstdio>
#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

namespace daedalus::tool {
namespace {

struct FreeContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeContext>;

Result<Owned<AVFrame>> to_rgb(const Frame& frame) {
  const int width = static_cast<int>(frame.width);
  const int height = static_cast<int>(frame.height);
  const AVPixelFormat format = frame.bit_depth == 10 ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
  const Owned<SwsContext> scaler(sws_getContext(
      width, height, format, width, height, AV_PIX_FMT_RGB24,
      SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
  Owned<AVFrame> rgb(av_frame_alloc());
  if (scaler == nullptr || rgb == nullptr)
    return Error{ErrorCode::kOutOfMemory, "no memory for a PNG"};
  const int* matrix = sws_getCoefficients(height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601);
  sws_setColorspaceDetails(scaler.get(), matrix, 0, matrix, 1, 0, 1 << 16, 1 << 16);
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = width;
  rgb->height = height;
  if (av_frame_get_buffer(rgb.get(), 0) < 0)
    return Error{ErrorCode::kOutOfMemory, "no memory for a PNG"};
  const int sample = frame.bit_depth == 10 ? 2 : 1;
  const int chroma_width = (width + 1) / 2;
  const size_t luma = size_t{frame.width} * frame.height * static_cast<size_t>(sample);
  const size_t chroma =
      static_cast<size_t>(chroma_width) * ((frame.height + 1) / 2) * static_cast<size_t>(sample);
  const uint8_t* samples = frame.samples.data();
  const std::array<const uint8_t*, 4> planes = {samples, samples + luma, samples + luma + chroma,
                                                nullptr};
  const std::array<int, 4> strides = {width * sample, chroma_width * sample, chroma_width * sample,
                                      0};
  sws_scale(scaler.get(), planes.data(), strides.data(), 0, height, rgb->data, rgb->linesize);
  return rgb;
}

}  // namespace

Status write_png(const Frame& frame, const std::string& path) {
  auto rgb = to_rgb(frame);
  if (!rgb) return rgb.error();
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  const Owned<AVCodecContext> encoder(avcodec_alloc_context3(codec));
  const Owned<AVPacket> packet(av_packet_alloc());
  if (codec == nullptr || encoder == nullptr || packet == nullptr) {
    return Error{ErrorCode::kUnsupported, "this libavcodec writes no PNG"};
  }
  encoder->width = (*rgb)->width;
  encoder->height = (*rgb)->height;
  encoder->pix_fmt = AV_PIX_FMT_RGB24;
  encoder->time_base = {1, 25};
  if (avcodec_open2(encoder.get(), codec, nullptr) < 0 ||
      avcodec_send_frame(encoder.get(), rgb->get()) < 0 ||
      avcodec_send_frame(encoder.get(), nullptr) < 0 ||
      avcodec_receive_packet(encoder.get(), packet.get()) < 0) {
    return Error{ErrorCode::kInternal, "libavcodec does not write " + path};
  }
  const Owned<std::FILE> file(std::fopen(path.c_str(), "wbe"));
  if (file == nullptr) return system_error("open " + path);
  const auto size = static_cast<size_t>(packet->size);
  if (std::fwrite(packet->data, 1, size, file.get()) != size || std::fflush(file.get()) != 0) {
    return system_error("write " + path);
  }
  return {};
}

}  // namespace daedalus::tool
