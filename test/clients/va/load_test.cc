// The driver as libva finds it: a shared object.
#include <dlfcn.h>

#include "test/catch.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {

TEST_CASE("the driver loads from its file and decodes") {
  const Clip clip = test_clip("vp9.webm", 10);
  Result<std::unique_ptr<VaClient>> client =
      VaClient::open("va_driver/daedalus_drv_video.so", client_style("ffmpeg"));
  if (!client) FAIL(client.error().message);
  const Result<std::vector<Frame>> expected = decode_by_core(clip);
  const Result<std::vector<Frame>> frames = decode_by_driver(**client, clip);
  if (!frames) FAIL(frames.error().message);
  REQUIRE(expected.ok());
  CHECK(first_difference(*expected, *frames) == "");
}

// A session whose own thread lets go of its last picture ends on that thread, whenever that is.
TEST_CASE("the driver's code stays when libva lets go of it") {
  constexpr const char* kPath = "va_driver/daedalus_drv_video.so";
  void* driver = ::dlopen(kPath, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(driver != nullptr);
  CHECK(::dlclose(driver) == 0);
  CHECK(::dlopen(kPath, RTLD_NOW | RTLD_NOLOAD) != nullptr);
}

TEST_CASE("a file that is no driver is refused with a reason") {
  const auto missing = VaClient::open("va_driver/no_such_drv_video.so", client_style("ffmpeg"));
  REQUIRE(!missing.ok());
  CHECK_THAT(missing.error().message, Catch::Matchers::ContainsSubstring("no_such_drv_video.so"));
}

}  // namespace daedalus::va_client::testing
