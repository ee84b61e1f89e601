// v4l2_stateless_client: decodes a file through a V4L2 stateless decoder.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "test/clients/v4l2/command_line.h"
#include "test/clients/v4l2/player.h"
#include "test/clients/v4l2/sink.h"

namespace daedalus::v4l2_client {
namespace {

constexpr const char* kUsage =
    "usage: v4l2_stateless_client [OPTION…] IN [OUT]\n"
    "\n"
    "Decodes H.264, HEVC, AV1, VP9, VP8 or MPEG-2 through a stateless decoder (request API).\n"
    "  OUT               all frames: planes Y, U, V; above 8 bits as 16-bit words\n"
    "  --md5             one hash over all frames in display order\n"
    "  --framemd5        a line for each frame: index,width,height,hash\n"
    "  --luma            the first plane alone, what a monochrome stream codes\n"
    "  --requests N      in flight at most (4)\n"
    "  --output mmap|expbuf|dmabuf    memory of the OUTPUT buffers (mmap)\n"
    "  --capture mmap|expbuf|dmabuf   memory of the CAPTURE buffers (mmap)\n"
    "  --holds frames|slices          what a request of H.264 or HEVC holds (frames, where the\n"
    "                                 node takes them)\n"
    "  --start-codes yes|no           before their NAL units (yes, where the node takes them)\n"
    "  --format NV12|NV12M|YU12|P010  of the CAPTURE buffers (the node's choice)\n"
    "  --video PATH --media PATH      nodes (found by capabilities and topology)\n";

bool parse_choice(std::string_view text, std::string_view yes, std::string_view no,
                  std::optional<bool>* choice) {
  if (text == yes || text == no) *choice = text == yes;
  return choice->has_value();
}

bool parse_option(std::string_view name, const std::string& value, DecoderOptions* options) {
  if (name == "--video") options->video_path = value;
  if (name == "--media") options->media_path = value;
  if (name == "--video" || name == "--media") return true;
  if (name == "--output") return parse_memory(value, &options->output_memory);
  if (name == "--capture") return parse_memory(value, &options->capture_memory);
  if (name == "--format") return parse_format(value, &options->capture_fourcc);
  if (name == "--holds")
    return parse_choice(value, "slices", "frames", &options->modes.slice_based);
  if (name == "--start-codes") return parse_choice(value, "yes", "no", &options->modes.start_codes);
  if (name != "--requests") return false;
  options->requests = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
  return options->requests >= 1 && options->requests <= 15;
}

int fail(const std::string& what) {
  std::fprintf(stderr, "v4l2_stateless_client: %s\n", what.c_str());
  return 1;
}

void report(const CommandLine& line, const DecoderOptions& options, const Played& played,
            uint64_t frames, double seconds) {
  std::fprintf(stderr,
               "%s: %" PRIu64 " frames through %s and %s in %.2f s (%.1f a second), %" PRIu64
               " requests, %" PRIu64 " with errors, %" PRIu64 " lost, %" PRIu64 " skipped%s%s\n",
               line.in.c_str(), frames, played.video_path.c_str(), played.media_path.c_str(),
               seconds, static_cast<double>(frames) / seconds, played.decoded, played.errors,
               played.lost, played.skipped, played.first_skip.empty() ? "" : ": ",
               played.first_skip.c_str());
  std::fprintf(stderr, "from queueing a request to its completion, %u in flight: %s\n",
               options.requests, played.timing.text().c_str());
}

int run(const CommandLine& line, const DecoderOptions& options) {
  const auto sink = open_sink(line);
  if (!sink) return fail(sink.error().message);
  const auto start = std::chrono::steady_clock::now();
  const auto played = play_file(kernel_calls(), line.in, options,
                                [&](const Frame& frame) { return (*sink)->write(frame); });
  if (!played) return fail(played.error().message);
  if (Status status = (*sink)->finish(); !status) return fail(status.error().message);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  report(line, options, *played, (*sink)->frames(), taken.count());
  return played->errors + played->lost + played->skipped == 0 && (*sink)->frames() > 0 ? 0 : 1;
}

int run(int count, char** arguments) {
  CommandLine line;
  DecoderOptions options;
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
  std::fprintf(stderr, "v4l2_stateless_client: %s\n", error.what());
  return 1;
}
