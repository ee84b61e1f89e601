// Decodes a file with plain libavcodec (AV1: dav1d) and drops the frames: what Daedalus is measured
// against. Slice threads, as the VA front has them: one picture in flight; or frame threads.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace daedalus::benchmarks {
namespace {

constexpr char kUsage[] =
    "usage: libavcodec_reference [--threads N] [--frame-threads] [--frames N] FILE\n"
    "Prints {\"frames\", \"seconds\", \"cpu_seconds\"} of decoding FILE, or its first N frames.\n";

template <auto close>
struct Closer {
  template <typename T>
  void operator()(T* object) const {
    close(&object);
  }
};
using Input = std::unique_ptr<AVFormatContext, Closer<avformat_close_input>>;
using Decoder = std::unique_ptr<AVCodecContext, Closer<avcodec_free_context>>;
using Packet = std::unique_ptr<AVPacket, Closer<av_packet_free>>;
using Frame = std::unique_ptr<AVFrame, Closer<av_frame_free>>;

struct Options {
  int threads = 1;
  bool frame_threads = false;
  int64_t frames = INT64_MAX;
  const char* file = nullptr;
};

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--threads" && i + 1 < argc) {
      if (!parse_number(argv[++i], options.threads)) return false;
    } else if (word == "--frame-threads") {
      options.frame_threads = true;
    } else if (word == "--frames" && i + 1 < argc) {
      if (!parse_number(argv[++i], options.frames)) return false;
    } else if (!word.starts_with("--") && options.file == nullptr) {
      options.file = argv[i];
    } else {
      return false;
    }
  }
  return options.file != nullptr;
}

int fail(const char* what, int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  std::fprintf(stderr, "libavcodec_reference: %s: %s\n", what, text);
  return 1;
}

// Takes the frames that are ready; false once there is an error or `limit` is reached.
bool drain(AVCodecContext* decoder, AVFrame* frame, int64_t limit, int64_t& frames, int& error) {
  while (frames < limit) {
    error = avcodec_receive_frame(decoder, frame);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
      error = 0;
      return true;
    }
    if (error < 0) return false;
    ++frames;
    av_frame_unref(frame);
  }
  return false;
}

// Decodes up to `limit` frames of the stream; the number of frames, or a negative AVERROR.
int64_t decode(AVFormatContext* input, int stream, AVCodecContext* decoder, int64_t limit) {
  const Packet packet(av_packet_alloc());
  const Frame frame(av_frame_alloc());
  if (!packet || !frame) return AVERROR(ENOMEM);
  int64_t frames = 0;
  int error = 0;
  while (av_read_frame(input, packet.get()) >= 0) {
    if (packet->stream_index == stream) error = avcodec_send_packet(decoder, packet.get());
    av_packet_unref(packet.get());
    if (error < 0) return error;
    if (!drain(decoder, frame.get(), limit, frames, error)) return error < 0 ? error : frames;
  }
  error = avcodec_send_packet(decoder, nullptr);
  if (error >= 0) drain(decoder, frame.get(), limit, frames, error);
  return error < 0 ? error : frames;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  av_log_set_level(AV_LOG_ERROR);
  AVFormatContext* opened = nullptr;
  int error = avformat_open_input(&opened, options.file, nullptr, nullptr);
  if (error < 0) return fail(options.file, error);
  const Input input(opened);
  error = avformat_find_stream_info(input.get(), nullptr);
  if (error < 0) return fail(options.file, error);
  const AVCodec* codec = nullptr;
  const int stream = av_find_best_stream(input.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (stream < 0) return fail("no video", stream);
  const Decoder decoder(avcodec_alloc_context3(codec));
  if (!decoder) return fail("decoder", AVERROR(ENOMEM));
  avcodec_parameters_to_context(decoder.get(), input->streams[stream]->codecpar);
  decoder->thread_count = options.threads;
  decoder->thread_type = options.frame_threads ? FF_THREAD_FRAME : FF_THREAD_SLICE;
  // dav1d by way of libavcodec: max_frame_delay = 1.
  if (codec->id == AV_CODEC_ID_AV1) decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;

  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu_start = std::clock();
  error = avcodec_open2(decoder.get(), codec, nullptr);
  if (error < 0) return fail("decoder", error);
  const int64_t frames = decode(input.get(), stream, decoder.get(), options.frames);
  if (frames < 0) return fail("decoding", static_cast<int>(frames));
  const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("{\"frames\": %lld, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
              static_cast<long long>(frames), seconds.count(), cpu);
  return 0;
}

}  // namespace
}  // namespace daedalus::benchmarks

int main(int argc, char** argv) { return daedalus::benchmarks::run(argc, argv); }
