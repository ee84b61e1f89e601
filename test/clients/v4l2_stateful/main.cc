// v4l2_stateful_client: decodes a file through a V4L2 stateful decoder.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "test/clients/v4l2/command_line.h"
#include "test/clients/v4l2/sink.h"
#include "test/clients/v4l2_stateful/stateful_player.h"

namespace daedalus::v4l2_client {
namespace {

constexpr const char* kUsage =
    "usage: v4l2_stateful_client [OPTION…] IN [OUT]\n"
    "\n"
    "Decodes H.264, HEVC, VP9, VP8, MPEG-2 or AV1 through a stateful decoder.\n"
    "  OUT               all frames: planes Y, U, V; above 8 bits as 16-bit words\n"
    "  --md5             one hash over all frames in display order\n"
    "  --framemd5        a line for each frame: index,width,height,hash\n"
    "  --luma            the first plane alone, what a monochrome stream codes\n"
    "  --buffers N       of bitstream (8)\n"
    "  --captures N      CAPTURE buffers beyond what the node asks for (2)\n"
    "  --output mmap|expbuf|dmabuf    memory of the OUTPUT buffers (mmap)\n"
    "  --capture mmap|expbuf|dmabuf   memory of the CAPTURE buffers (mmap)\n"
    "  --format NV12|NV12M|YU12|P010  of the CAPTURE buffers (the node's choice)\n"
    "  --video PATH      the node (found by its capabilities)\n";

bool parse_count(const std::string& text, uint32_t least, uint32_t* count) {
  constexpr uint32_t kMost = 32;  // VIDEO_MAX_FRAME
  *count = static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
  return *count >= least && *count <= kMost;
}

bool parse_option(std::string_view name, const std::string& value, StatefulOptions* options) {
  if (name == "--buffers") return parse_count(value, 1, &options->output_buffers);
  if (name == "--captures") return parse_count(value, 0, &options->extra_captures);
  if (name == "--output") return parse_memory(value, &options->output_memory);
  if (name == "--capture") return parse_memory(value, &options->capture_memory);
  if (name == "--format") return parse_format(value, &options->capture_fourcc);
  if (name == "--video") options->video_path = value;
  return name == "--video";
}

int fail(const std::string& what) {
  std::fprintf(stderr, "v4l2_stateful_client: %s\n", what.c_str());
  return 1;
}

int run(const CommandLine& line, const StatefulOptions& options) {
  const auto sink = open_sink(line);
  if (!sink) return fail(sink.error().message);
  const auto start = std::chrono::steady_clock::now();
  const auto played = play_stateful(kernel_calls(), line.in, options,
                                    [&](const Frame& frame) { return (*sink)->write(frame); });
  if (!played) return fail(played.error().message);
  if (Status status = (*sink)->finish(); !status) return fail(status.error().message);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::fprintf(stderr,
               "%s: %" PRIu64 " frames of %" PRIu64
               " packets through %s in %.2f s (%.1f a second), "
               "%" PRIu64 " changes of format, %" PRIu64 " with errors\n",
               line.in.c_str(), (*sink)->frames(), played->packets, played->video_path.c_str(),
               taken.count(), static_cast<double>((*sink)->frames()) / taken.count(),
               played->changes, played->errors);
  std::fprintf(stderr, "from queueing a packet to its picture: %s\n",
               played->timing.text().c_str());
  return (*sink)->frames() > 0 ? 0 : 1;
}

int run(int count, char** arguments) {
  CommandLine line;
  StatefulOptions options;
  const auto option = [&](std::string_view name, const std::string& value) {
    return parse_option(name, value, &options);
  };
  if (parse_command_line(count, arguments, option, &line)) return run(line, options);
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace
}  // namespace daedalus::v4l2_client

int main(int count, char** arguments) try {
  return daedalus::v4l2_client::run(count, arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "v4l2_stateful_client: %s\n", error.what());
  return 1;
}
