// Which engine decodes what, and what is offered where one is asked for.
#include "decode_core/software/software_backend.h"

#include "test/catch.h"

namespace daedalus::core::test {
namespace {

bool offers(const Backend& backend, Codec codec) {
  for (const ProfileCapability& capability : backend.capabilities()) {
    if (codec_of(capability.profile) == codec) return true;
  }
  return false;
}

TEST_CASE("an engine that is asked for decodes its codecs, and nothing stands in for the others") {
  Settings settings;
  settings.engine = GENERATE("auto", "libavcodec", "dav1d", "native");
  CAPTURE(settings.engine);
  Workers workers(1);
  const auto backend = create_software_backend(settings, workers);
  const bool h264 = settings.engine != "dav1d";
  const bool av1 = settings.engine == "auto" || settings.engine == "dav1d";
  const bool vp9 = settings.engine == "auto" || settings.engine == "libavcodec";
  CHECK(offers(*backend, Codec::kH264) == h264);
  CHECK(offers(*backend, Codec::kAv1) == av1);
  CHECK(offers(*backend, Codec::kVp9) == vp9);
  CHECK(backend->engine_of(Codec::kH264) ==
        (settings.engine == "libavcodec" ? "libavcodec" : "native"));
  SessionConfig config;
  config.profile = Profile::kH264High;
  CHECK(backend->create_decoder(config).ok() == h264);
  config.profile = Profile::kAv1Main;
  const auto decoder = backend->create_decoder(config);
  CHECK(decoder.ok() == av1);
  if (!av1) CHECK(decoder.error().code == ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace daedalus::core::test
