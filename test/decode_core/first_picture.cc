// first_picture FILE: decodes a clip's first picture as any process that uses the core does, by the
// environment's settings, reads it as NV12 and prints a hash. For gpu_start_test.
#include <cstdint>
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/surface.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "first_picture: %s\n", what.c_str());
  return 1;
}

int run(const std::string& clip) {
  const auto core = Core::create(Settings::from_environment());
  auto stream = parsed_stream::ParsedStream::open(clip);
  if (!stream) return fail(stream.error().message);
  const uint32_t width = (*stream)->width(), height = (*stream)->height();
  const auto session = core->open_session({*(*stream)->profile(), width, height, "replay"});
  if (!session) return fail(session.error().message);
  Surface surface(core, SurfaceFormat::kNv12, width, height);
  parsed_stream::Event event;
  while (true) {
    const auto more = (*stream)->next(event);
    if (!more || !*more) return fail("the clip has no picture");
    if (auto* output = std::get_if<parsed_stream::OutputEvent>(&event)) {
      surface.set_picture(output->picture);
      break;
    }
    auto& job = std::get<parsed_stream::DecodeEvent>(event).job;
    if (const Status status = (*session)->submit(std::move(job)); !status.ok()) {
      return fail(status.error().message);
    }
  }
  const LinearLayout layout = layout_of(ImageFormat::kNv12, width, height);
  std::vector<uint8_t> image(layout.size);
  const Status status =
      surface.read({0, 0, width, height}, ImageFormat::kNv12, layout, image.data());
  if (!status.ok()) return fail(status.error().message);
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const uint8_t byte : image) hash = (hash ^ byte) * 0x100000001b3;
  std::printf("picture %016llx\n", static_cast<unsigned long long>(hash));
  return 0;
}

}  // namespace
}  // namespace daedalus::core::test

int main(int argc, char** argv) { return argc == 2 ? daedalus::core::test::run(argv[1]) : 2; }
